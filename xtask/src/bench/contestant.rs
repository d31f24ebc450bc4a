//! Who takes part: how each is built, and how it is started.

use std::path::Path;
use std::process::Command;

pub(super) struct Contestant {
    pub(super) name: &'static str,
    kind: Kind,
}

enum Kind {
    Tidings,
    /// A program of Rust in a folder of its own.
    Rust {
        folder: &'static str,
        program: &'static str,
    },
    /// With so many workers; 0 is a single process.
    Node {
        workers: u32,
    },
}

/// Ours is the first.
pub(super) const CONTESTANTS: [Contestant; 5] = [
    Contestant { name: "Tidings", kind: Kind::Tidings },
    Contestant {
        name: "socketioxide",
        kind: Kind::Rust { folder: "bench/peers/socketioxide", program: "peer-socketioxide" },
    },
    Contestant { name: "floor", kind: Kind::Rust { folder: "bench/floor", program: "floor" } },
    Contestant { name: "Node", kind: Kind::Node { workers: 0 } },
    Contestant { name: "Node, 2 workers", kind: Kind::Node { workers: 2 } },
];

const NODE_FOLDER: &str = "bench/peers/node";

impl Contestant {
    pub(super) fn build(&self, root: &Path) -> Result<(), String> {
        match self.kind {
            Kind::Tidings => finish(cargo(root).args(["--package", "tidings"])),
            Kind::Rust { folder, .. } => finish(&mut cargo(&root.join(folder))),
            Kind::Node { .. } if root.join(NODE_FOLDER).join("node_modules").exists() => Ok(()),
            Kind::Node { .. } => finish(Command::new("npm").arg("ci").current_dir(root.join(NODE_FOLDER))),
        }
    }

    /// What `tidings bench --server` is told; nothing for ourselves.
    pub(super) fn command(&self, root: &Path) -> Option<String> {
        match self.kind {
            Kind::Tidings => None,
            Kind::Rust { folder, program } => {
                Some(root.join(folder).join("target/release").join(program).display().to_string())
            }
            Kind::Node { workers } => {
                Some(format!("node {} {workers}", root.join(NODE_FOLDER).join("server.mjs").display()))
            }
        }
    }
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--locked", "--quiet"]).current_dir(folder);
    command
}

fn finish(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|err| format!("{command:?}: {err}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}
