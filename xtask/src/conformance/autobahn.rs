//! The Autobahn test suite of the WebSocket protocol (RFC 6455), as a client of an echo endpoint.
//!
//! Installs it under Python 2.7, because the last working release, 0.8.2, runs on nothing newer, and reads its report.
//! It leaves out the sections on performance (9) and on compression (12, 13), which we do not support.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::command::{Failure, finish, succeed, while_doing};

pub(super) const NAME: &str = "autobahn";
pub(super) const FIXTURE: &str = "websocket-echo";
/// All cases of sections 1 to 7 and 10.
pub(super) const CASES: u32 = 247;

const AGENT: &str = "tidings";
const REQUIREMENTS: &str = include_str!("../../conformance/autobahn.txt");
const INSTALL_DEADLINE: Duration = Duration::from_mins(10);
const RUN_DEADLINE: Duration = Duration::from_mins(5);

/// The number of cases by verdict.
#[derive(Debug, Default)]
pub(super) struct Cases {
    pub(super) ok: u32,
    /// Correct, but not in the strictest reading.
    pub(super) non_strict: u32,
    /// Cases without a right or wrong.
    pub(super) informational: u32,
    /// The names of the failed cases.
    pub(super) failed: Vec<String>,
}

impl Cases {
    pub(super) fn passed(&self) -> u32 {
        self.ok + self.non_strict + self.informational
    }
}

/// The installed suite.
#[derive(Debug)]
pub(super) struct Installation {
    python: PathBuf,
    folder: PathBuf,
}

impl Installation {
    /// Finds Python 2.7, and installs the pinned packages once.
    pub(super) fn prepare(folder: &Path) -> Result<Self, Failure> {
        let python = python().ok_or_else(|| {
            Failure::new("no Python 2.7 found: install it (pyenv install 2.7.18) or name it in PYTHON2")
        })?;
        let this = Self { python, folder: folder.join(NAME) };
        let stamp = this.folder.join(".installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
            return Ok(this);
        }
        fs::create_dir_all(&this.folder).map_err(while_doing(this.folder.display().to_string()))?;
        let write = |path: PathBuf, text: &str| {
            fs::write(&path, text).map_err(while_doing(path.display().to_string()))
        };
        write(this.folder.join("requirements.txt"), REQUIREMENTS)?;
        let mut pip = Command::new(&this.python);
        pip.current_dir(&this.folder).stderr(Stdio::null()).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--upgrade",
        ]);
        succeed(pip.args(["--target", "site", "--requirement", "requirements.txt"]), INSTALL_DEADLINE)?;
        // A namespace package in a folder of its own lacks the file that makes it a package.
        write(this.folder.join("site/zope/__init__.py"), "")?;
        write(stamp, REQUIREMENTS)?;
        Ok(this)
    }

    /// Runs all cases against the echo endpoint at this port.
    pub(super) fn run(&self, port: u16) -> Result<Cases, Failure> {
        let reports = self.folder.join("reports");
        if reports.exists() {
            fs::remove_dir_all(&reports).map_err(while_doing("removing the last report"))?;
        }
        let spec = serde_json::json!({
            "outdir": "./reports",
            "servers": [{ "agent": AGENT, "url": format!("ws://127.0.0.1:{port}/") }],
            "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"],
            "exclude-cases": [],
            "exclude-agent-cases": {},
        });
        fs::write(self.folder.join("spec.json"), spec.to_string())
            .map_err(while_doing("writing spec.json"))?;
        let mut wstest = Command::new(&self.python);
        wstest.current_dir(&self.folder).env("PYTHONPATH", self.folder.join("site")).stderr(Stdio::null());
        finish(wstest.args(["site/bin/wstest", "-m", "fuzzingclient", "-s", "spec.json"]), RUN_DEADLINE)?;
        let text =
            fs::read_to_string(reports.join("index.json")).map_err(while_doing("wstest left no report"))?;
        parse(&text)
    }
}

fn parse(text: &str) -> Result<Cases, Failure> {
    let mut agents: BTreeMap<String, BTreeMap<String, Verdict>> =
        serde_json::from_str(text).map_err(while_doing("the report of wstest"))?;
    let mut cases = Cases::default();
    for (id, verdict) in agents.remove(AGENT).unwrap_or_default() {
        let closed_well = matches!(verdict.behavior_close.as_str(), "OK" | "INFORMATIONAL");
        match verdict.behavior.as_str() {
            "OK" if closed_well => cases.ok += 1,
            "NON-STRICT" if closed_well => cases.non_strict += 1,
            "INFORMATIONAL" if closed_well => cases.informational += 1,
            behavior => cases.failed.push(format!("{id}: {behavior}, close: {}", verdict.behavior_close)),
        }
    }
    Ok(cases)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    behavior: String,
    behavior_close: String,
}

/// Finds a program that reports Python 2.7: named by the caller, on the path, or installed by pyenv (whose shims on the
/// path refuse to start a version that is not selected).
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("PYTHON2").map(PathBuf::from);
    let on_path = ["python2.7", "python2"].map(PathBuf::from);
    named.into_iter().chain(on_path).chain(pyenv_versions()).find(|program| is_python_2_7(program))
}

fn pyenv_versions() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python2.7")).collect()
}

fn is_python_2_7(program: &Path) -> bool {
    let script = "import sys, pip; sys.stdout.write('%d.%d' % sys.version_info[:2])";
    let output = Command::new(program).args(["-c", script]).stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout == b"2.7")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_fails_by_its_behavior_or_by_its_close() {
        let cases = parse(
            r#"{"tidings":{"1.1.1":{"behavior":"OK","behaviorClose":"OK"},
                "1.1.2":{"behavior":"OK","behaviorClose":"UNCLEAN"},
                "6.4.1":{"behavior":"NON-STRICT","behaviorClose":"OK"},
                "6.4.2":{"behavior":"FAILED","behaviorClose":"OK"},
                "7.1.6":{"behavior":"INFORMATIONAL","behaviorClose":"INFORMATIONAL"}}}"#,
        )
        .expect("a report of wstest");
        assert_eq!((cases.ok, cases.non_strict, cases.informational), (1, 1, 1));
        assert_eq!(cases.failed, ["1.1.2: OK, close: UNCLEAN", "6.4.2: FAILED, close: OK"]);
    }
}
