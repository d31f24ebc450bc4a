//! `cargo xtask test`: every check of the project in one command, including its setup.
//!
//! A step that cannot run counts as failed: nothing is skipped silently. After a failure the other steps still run, so
//! that one run shows all failures; a step whose prerequisites are missing is not tried, and counts as failed. The last
//! line is `N passed, M failed`, summed from the tools' own counts.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

mod count;
mod setup;
mod step;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use self::count::{Count, Counting};
pub(crate) use self::setup::NPM;
use self::setup::Tools;
pub(crate) use self::setup::test_files as files;
use self::step::Steps;

/// The library crates, which other programs can depend on.
const PUBLISHED: [&str; 4] = ["planted", "engineio", "socketio", "socketio-server"];

/// Runs all steps.
pub(crate) fn run() -> ExitCode {
    let root = workspace_root();
    let begin = Instant::now();
    let tools = match setup::prepare(&root) {
        Ok(tools) => tools,
        Err(message) => {
            eprintln!("\nThe tests need something that is not here.\n{message}\n");
            println!("0 passed, 1 failed");
            return ExitCode::FAILURE;
        }
    };
    let mut steps = Steps::default();
    check_source(&root, &tools, &mut steps);
    test_crates(&root, &mut steps);
    test_web(&root, &mut steps);
    test_binary(&root, &tools, &mut steps);
    fuzz(&root, &mut steps);
    steps.finish(begin.elapsed())
}

/// The root of the checkout from which this program was built.
pub(crate) fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

fn check_source(root: &Path, tools: &Tools, steps: &mut Steps) {
    steps.run("format", Counting::Once, cargo(root, &["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    steps.run("lints", Counting::Once, cargo(root, &clippy));
    // Advisories need the network, and change without any change of ours.
    let mut deny = cargo(root, &["deny", "--offline", "--locked", "check", "bans", "licenses", "sources"]);
    deny.env("PATH", &tools.path);
    steps.run("dependencies", Counting::Once, deny);
    let begin = Instant::now();
    let findings = crate::tidy::check(root);
    for finding in &findings.faults {
        println!("{finding}");
    }
    let count = Count { passed: findings.passed, failed: findings.faults.len(), skipped: 0 };
    steps.note("tidy", count, begin.elapsed(), findings.faults.iter().map(ToString::to_string).collect());
}

fn test_crates(root: &Path, steps: &mut Steps) {
    // Test binaries run one after the other, even after a failure; documentation examples are included.
    let arguments = ["test", "--workspace", "--locked", "--no-fail-fast"];
    steps.run("crates", Counting::Cargo, cargo(root, &arguments));
    let mut docs = cargo(root, &["doc", "--workspace", "--no-deps", "--locked"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    steps.run("documentation", Counting::Once, docs);
    let mut package = vec!["package", "--locked", "--no-verify", "--allow-dirty"];
    package.extend(PUBLISHED.iter().flat_map(|name| ["--package", name]));
    steps.run("packages", Counting::Once, cargo(root, &package));
}

// The build script of the binary has installed the packages of web/ by now.
fn test_web(root: &Path, steps: &mut Steps) {
    let web = root.join("web");
    steps.run("web types", Counting::Once, npm(&web, &["run", "--silent", "check"]));
    steps.run("web", Counting::Vitest, npm(&web, &["test", "--silent"]));
}

fn test_binary(root: &Path, tools: &Tools, steps: &mut Steps) {
    let release = ["build", "--release", "--locked", "--package", "tidings", "--package", "tidings-bench"];
    steps.run("release build", Counting::Once, cargo(root, &release));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let release = root.join(target).join("release");
    let binary = release.join(format!("tidings{}", std::env::consts::EXE_SUFFIX));
    let examples = ["build", "--release", "--locked", "--package", "socketio-server", "--example"];
    let examples = examples.into_iter().chain(["kitchen_sink", "--example", "axum_tls"]);
    steps.run("example builds", Counting::Once, cargo(root, &examples.collect::<Vec<_>>()));
    let example =
        |name: &str| release.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let decoders = ["build", "--release", "--locked", "--package", "conformance"];
    steps.run("decoders build", Counting::Once, cargo(root, &decoders));
    let decoders = release.join(format!("conformance{}", std::env::consts::EXE_SUFFIX));
    // The proofs of durability kill, stop and starve their servers: one file after the other.
    let side_by_side: &[&str] = &[];
    let in_turn: &[&str] = &["--test-concurrency=1"];
    let packages = debian_packages(root, tools, steps);
    for (name, folder, how) in [
        ("end to end", "e2e", side_by_side),
        ("Debian package", "package", side_by_side),
        ("Python", "python", side_by_side),
        ("browsers", "browser", side_by_side),
        ("proof", "proof", in_turn),
    ] {
        let mut command = Command::new("node");
        command
            .args(["--test", "--test-reporter=spec", "--test-timeout=300000"])
            .args(how)
            .args(setup::test_files(&root.join("tests").join(folder)))
            .current_dir(root.join("tests"))
            .env("TIDINGS_BIN", &binary)
            .env("KITCHEN_SINK_BIN", example("kitchen_sink"))
            .env("AXUM_TLS_BIN", example("axum_tls"))
            .env("CONFORMANCE_BIN", &decoders)
            .env("TIDINGS_DEB", &packages.this)
            .env("TIDINGS_DEB_BEFORE", &packages.before)
            .env("PYTHON", &tools.python)
            .env("CHROMIUM", &tools.chromium);
        steps.run(name, Counting::Node, command);
    }
}

struct Packages {
    this: PathBuf,
    before: PathBuf,
}

/// Packs the built binary, and again with a lower version, from which the test upgrades.
fn debian_packages(root: &Path, tools: &Tools, steps: &mut Steps) -> Packages {
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

/// Seconds for each target: enough to see that it works and finds nothing at once.
const FUZZ_SECONDS: u64 = 5;

fn fuzz(root: &Path, steps: &mut Steps) {
    steps.run("fuzz build", Counting::Once, crate::fuzz::build(root));
    println!("\n── fuzzing");
    let begin = Instant::now();
    let (mut count, mut failures) = (Count::default(), Vec::new());
    for name in crate::fuzz::targets(root) {
        // What it says matters only when it has found something.
        let (passed, said) = match crate::fuzz::command(root, &name, FUZZ_SECONDS).output() {
            Ok(Output { status, stderr, .. }) => {
                (status.success(), String::from_utf8_lossy(&stderr).into_owned())
            }
            Err(err) => (false, err.to_string()),
        };
        count.add(Count { passed: passed.into(), failed: (!passed).into(), skipped: 0 });
        if !passed {
            println!("{said}");
            failures.push(name);
            let end = count::failures(Counting::Once, &said, step::FAILURE_LINES_MAX);
            failures.extend(end.into_iter().map(str::to_owned));
        }
    }
    // A folder without targets must not count as a success.
    count.failed += usize::from(count.passed == 0);
    steps.note("fuzzing", count, begin.elapsed(), failures);
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    // Cargo passes its own path to the programs that it runs.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    command
}

fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(setup::NPM);
    command.args(arguments).current_dir(folder);
    command
}
