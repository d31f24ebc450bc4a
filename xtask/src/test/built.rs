//! The test binaries that cargo has built, by what it says about them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use super::cargo;

/// A test binary.
#[derive(Debug)]
pub(crate) struct TestBinary {
    pub(crate) executable: PathBuf,
    /// The folder of its crate, in which cargo runs it.
    pub(crate) folder: PathBuf,
    /// The kind of its target, such as `lib`.
    pub(crate) kind: String,
    /// The same, if it is a file of the folder `tests` of its crate.
    pub(crate) integration: Option<String>,
}

/// What cargo says about something that it has built.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: Option<PathBuf>,
    target: Option<ArtifactTarget>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Artifact {
    fn into_binary(self) -> Option<TestBinary> {
        let executable = self.executable.filter(|_| self.profile.is_some_and(|profile| profile.test))?;
        let ArtifactTarget { kind, name } = self.target?;
        let kind = kind.into_iter().next()?;
        let integration = (kind == "test").then_some(name);
        let folder = self.manifest_path?.parent()?.to_path_buf();
        Some(TestBinary { executable, folder, kind, integration })
    }
}

/// Builds the test binaries that arguments of `cargo test` select.
pub(crate) fn test_binaries(root: &Path, arguments: &[&str]) -> Result<Vec<TestBinary>, String> {
    let mut build =
        cargo(root, &["test", "--locked", "--no-run", "--message-format=json-render-diagnostics"]);
    build.args(arguments);
    println!("\n── build");
    let output =
        build.stderr(Stdio::inherit()).output().map_err(|err| format!("cargo did not run: {err}"))?;
    if !output.status.success() {
        return Err("The tests cannot be built.".into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let artifacts = text.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    Ok(artifacts.filter_map(Artifact::into_binary).collect())
}
