//! The tests of `tests/`: what they need to be built, and how Node runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::cargo;
use super::count::Counting;
use super::setup::Tools;
use super::step::Steps;

/// What the tests run, by the variables that name it to them.
pub(super) struct Programs {
    pub(super) tidings: PathBuf,
    /// Debug builds of the fixtures.
    fixtures: PathBuf,
    pub(super) packages: Option<Packages>,
}

/// The Debian packages of this version, and of one before it, from which the test upgrades.
pub(super) struct Packages {
    this: PathBuf,
    before: PathBuf,
}

impl Programs {
    /// Fixtures are debug builds, with the features that the tests of the crates are built with.
    pub(super) fn of(root: &Path, tidings: PathBuf) -> Self {
        Self { tidings, fixtures: target(root).join("debug"), packages: None }
    }

    /// Everything as a debug build.
    pub(super) fn debug(root: &Path) -> Self {
        Self::of(root, program(&target(root).join("debug"), "tidings"))
    }

    /// Runs test files of a folder, which are the arguments that are still to come.
    pub(super) fn node(&self, root: &Path, folder: &str, tools: &Tools) -> Command {
        let examples = self.fixtures.join("examples");
        let mut command = Command::new("node");
        command
            .args(["--test", "--test-reporter=spec", "--test-timeout=300000"])
            .arg(format!("--test-concurrency={}", at_once(folder)))
            .current_dir(root.join("tests"))
            .env("TIDINGS_BIN", &self.tidings)
            .env("KITCHEN_SINK_BIN", program(&examples, "kitchen_sink"))
            .env("AXUM_TLS_BIN", program(&examples, "axum_tls"))
            .env("CONFORMANCE_BIN", program(&self.fixtures, "conformance"));
        if let Some(packages) = &self.packages {
            command.env("TIDINGS_DEB", &packages.this).env("TIDINGS_DEB_BEFORE", &packages.before);
        }
        if let Some(chromium) = &tools.chromium {
            command.env("CHROMIUM", chromium);
        }
        if let Some(python) = &tools.python {
            command.env("PYTHON", python);
        }
        command
    }
}

/// How many files run at once. Most tests wait most of the time, so there may be more of them than cores. The proofs of
/// durability kill, stop and starve their servers: one file after the other.
fn at_once(folder: &str) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match folder {
        "proof" => 1,
        "browser" => cores,
        _ => cores + 1,
    }
}

/// The step of a folder.
pub(super) fn name_of(folder: &'static str) -> &'static str {
    match folder {
        "e2e" => "end to end",
        "package" => "Debian package",
        "python" => "Python",
        "browser" => "browsers",
        other => other,
    }
}

/// Builds the fixtures and a debug binary. All of it has been compiled for the tests of the crates before, because it has
/// the same features: only the programs are linked.
pub(super) fn debug_build(root: &Path) -> Command {
    let mut build = cargo(root, &["build", "--workspace", "--locked"]);
    build.args(["tidings", "tidings-bench", "conformance"].iter().flat_map(|name| ["--bin", name]));
    build.args(["kitchen_sink", "axum_tls"].iter().flat_map(|name| ["--example", name]));
    build
}

/// Builds the binary that is tested, and the load generator beside it.
pub(super) fn release(root: &Path, steps: &mut Steps) -> PathBuf {
    let build = ["build", "--release", "--locked", "--package", "tidings", "--package", "tidings-bench"];
    steps.run("release build", Counting::Once, cargo(root, &build));
    program(&target(root).join("release"), "tidings")
}

/// Packs the built release binary, and again with a lower version.
pub(super) fn debian_packages(root: &Path, tools: &Tools, steps: &mut Steps) -> Packages {
    let folder = tools.folder.join("debian");
    let packages = Packages { this: folder.join("tidings.deb"), before: folder.join("tidings-before.deb") };
    for (name, path, version) in
        [("packing", &packages.this, None), ("packing as of before", &packages.before, Some("0.0.1-1"))]
    {
        let mut deb = cargo(root, &["deb", "--package", "tidings", "--no-build", "--locked", "--output"]);
        deb.arg(path).env("PATH", &tools.path);
        deb.args(version.into_iter().flat_map(|version| ["--deb-version", version]));
        steps.run(name, Counting::Once, deb);
    }
    packages
}

fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn target(root: &Path) -> PathBuf {
    root.join(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from))
}
