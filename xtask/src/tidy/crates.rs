//! Rules about crates: which may use which, and what each must not use.
//!
//! Only the dependencies of a normal build count; tests may use anything.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::{Fault, Source};

/// Which crates of the workspace each crate may use.
const HOUSE: [(&str, &[&str]); 12] = [
    ("planted", &[]),
    ("tally-counters", &[]),
    ("engineio", &[]),
    ("socketio", &[]),
    ("socketio-server", &["engineio", "planted", "socketio", "tally-counters"]),
    ("chat", &["planted", "tally-counters"]),
    ("chat-sqlite", &["chat"]),
    ("tidings", &["chat", "chat-sqlite", "planted", "socketio-server", "tally-counters"]),
    ("tidings-bench", &[]),
    ("conformance", &["socketio-server"]),
    ("simulation", &["chat", "planted", "socketio-server", "tidings"]),
    ("xtask", &[]),
];
/// The crates without a clock and without sockets, and the dependencies that would bring those in.
const PURE: [&str; 5] = ["planted", "tally-counters", "engineio", "socketio", "chat"];
const IMPURE: [&str; 9] =
    ["tokio", "hyper", "hyper-util", "axum", "mio", "socket2", "rand", "getrandom", "rusqlite"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// The kind of a normal dependency is null.
    kind: Option<String>,
}

impl Package {
    fn uses(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind.is_none())
            .map(|dependency| &*dependency.name)
    }
}

pub(super) fn depend_in_one_direction(root: &Path, _: &[Source]) -> Vec<Fault> {
    with_packages(root, |package, members| {
        let Some((_, allowed)) = HOUSE.iter().find(|(name, _)| *name == package.name) else {
            return vec![fault(
                package,
                "has no place in the house yet: give it one in xtask/src/tidy/crates.rs".into(),
            )];
        };
        let forbidden = package.uses().filter(|name| members.contains(name) && !allowed.contains(name));
        forbidden.map(|name| fault(package, format!("must not use {name}"))).collect()
    })
}

pub(super) fn keep_out_of_the_pure_ones(root: &Path, _: &[Source]) -> Vec<Fault> {
    with_packages(root, |package, _| {
        if !PURE.contains(&&*package.name) {
            return Vec::new();
        }
        let impure = package.uses().filter(|name| IMPURE.contains(name));
        impure.map(|name| fault(package, format!("is pure and must not use {name}"))).collect()
    })
}

pub(super) fn are_named_in_the_architecture(root: &Path, sources: &[Source]) -> Vec<Fault> {
    let page =
        sources.iter().find(|source| source.path == "ARCHITECTURE.md").map_or("", |source| &source.text);
    with_packages(root, |package, _| {
        let named = page.contains(&format!("`{}`", package.name));
        if named { Vec::new() } else { vec![fault(package, "is not named in ARCHITECTURE.md".into())] }
    })
}

fn fault(package: &Package, what: String) -> Fault {
    Fault { path: format!("the crate {}", package.name), line: 0, what }
}

fn with_packages(root: &Path, look: impl Fn(&Package, &[&str]) -> Vec<Fault>) -> Vec<Fault> {
    match packages(root) {
        Ok(packages) => {
            let members: Vec<&str> = packages.iter().map(|package| &*package.name).collect();
            packages.iter().flat_map(|package| look(package, &members)).collect()
        }
        Err(what) => vec![Fault { path: "Cargo.toml".into(), line: 0, what }],
    }
}

fn packages(root: &Path) -> Result<Vec<Package>, String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|err| format!("cargo metadata did not run: {err}"))?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|err| format!("cargo metadata is not understood: {err}"))?;
    Ok(metadata.packages)
}
