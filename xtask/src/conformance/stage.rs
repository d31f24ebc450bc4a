//! Prepares a suite: installs its packages and copies its tests.
//!
//! Owns the suite's folder in `target/conformance`. Packages are installed once for each set of pinned versions (a
//! stamp remembers it); tests are copied for each run. A copy differs from the checkout only in the port, so that the
//! run needs no fixed port, and the control can run beside it. One suite also gets a preload,
//! `conformance/default-port.cjs`, which explains itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::command::{Failure, succeed, while_doing};
use super::mocha::{self, Tally};
use super::suite::{Setup, Suite};

const INSTALL_DEADLINE: Duration = Duration::from_mins(10);
const CLIENT_MANIFEST: &str = include_str!("../../conformance/package.json");
const DEFAULT_PORT: &str = include_str!("../../conformance/default-port.cjs");
const CLIENT_LOCK: &str = include_str!("../../conformance/package-lock.json");

/// A suite that can run.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    suite: &'a Suite,
    source: PathBuf,
    /// The folder of the packages.
    root: PathBuf,
    /// Where to copy the tests; the name of the run becomes part of it.
    home: PathBuf,
}

impl<'a> Stage<'a> {
    /// Installs the packages of the suite.
    pub(super) fn prepare(suite: &'a Suite, checkout: &Path, folder: &Path) -> Result<Self, Failure> {
        let source = checkout.join(suite.source);
        let (root, home) = match suite.setup {
            Setup::OwnPackages => {
                let root = folder.join(suite.name);
                let read = |name: &str| {
                    let path = source.join(name);
                    fs::read_to_string(&path).map_err(while_doing(path.display().to_string()))
                };
                install(&root, &read("package.json")?, &read("package-lock.json")?)?;
                (root.clone(), root)
            }
            Setup::InsidePackage { package, .. } => {
                let root = folder.join("clients");
                install(&root, CLIENT_MANIFEST, CLIENT_LOCK)?;
                fs::write(root.join("default-port.cjs"), DEFAULT_PORT)
                    .map_err(while_doing("default-port.cjs"))?;
                let home = root.join("node_modules").join(package);
                (root, home)
            }
        };
        Ok(Self { suite, source, root, home })
    }

    pub(super) fn suite(&self) -> &'a Suite {
        self.suite
    }

    /// Runs the tests against a local port. Two runs with different names may overlap.
    pub(super) fn run(&self, name: &str, port: u16) -> Result<Tally, Failure> {
        let folder = self.home.join(format!("test-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(while_doing(folder.display().to_string()))?;
        }
        self.copy(&self.source, &folder, port).map_err(while_doing("copying the tests"))?;
        let (args, entry) = match self.suite.setup {
            Setup::OwnPackages => (&[][..], "test-suite.js"),
            Setup::InsidePackage { mocha_args, entry, .. } => (mocha_args, entry),
        };
        let mut mocha = Command::new(self.root.join("node_modules/.bin/mocha"));
        mocha.current_dir(&folder).env("FIXTURE_PORT", port.to_string()).args(args).arg(entry);
        mocha::run(mocha, &folder.join("report.json"), self.suite.deadline)
    }

    fn copy(&self, from: &Path, to: &Path, port: u16) -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (path, copy) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                if entry.file_name() != "node_modules" {
                    self.copy(&path, &copy, port)?;
                }
            } else if path.extension().is_some_and(|name| name == "js" || name == "ts") {
                fs::write(copy, self.with_port(fs::read_to_string(path)?, port))?;
            } else {
                fs::copy(path, copy)?;
            }
        }
        Ok(())
    }

    fn with_port(&self, text: String, port: u16) -> String {
        let port = port.to_string();
        self.suite
            .port_spellings
            .iter()
            .fold(text, |text, &spelling| text.replace(spelling, &spelling.replace(self.suite.port, &port)))
    }
}

/// Runs `npm ci` for exactly this lock file, unless that was done before.
fn install(root: &Path, manifest: &str, lock: &str) -> Result<(), Failure> {
    let stamp = root.join(".installed");
    let wanted = format!("{manifest}{lock}");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let write = |name: &str, text: &str| {
        fs::write(root.join(name), text).map_err(while_doing(root.join(name).display().to_string()))
    };
    fs::create_dir_all(root).map_err(while_doing(root.display().to_string()))?;
    write("package.json", manifest)?;
    write("package-lock.json", lock)?;
    let mut npm = Command::new("npm");
    // No package needs its install script: the only one with a script (esbuild) ships its program as a package too.
    npm.current_dir(root).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    succeed(&mut npm, INSTALL_DEADLINE)?;
    write(".installed", &wanted)
}
