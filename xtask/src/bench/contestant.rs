//! The contestants: how each is built, and how it is started.

use std::path::Path;
use std::process::Command;

pub(super) struct Contestant {
    pub(super) name: &'static str,
    kind: Kind,
    /// What `tidings-bench` is told beside the arguments of a row.
    pub(super) arguments: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Kind {
    Tidings,
    Floor,
    Socketioxide,
    /// With this many workers; 0 is a single process.
    Node {
        workers: u32,
    },
    Bun,
}

/// What a server must be able to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contract {
    /// The contract of the tutorial.
    Chat,
    /// The contract of `tidings-bench rooms`.
    Rooms,
    /// Only a start is measured.
    Start,
}

/// The server that `tidings-bench` measures.
pub(super) enum Server {
    /// The binary that is built beside it.
    Own,
    /// A command, passed as `--server`.
    Command(String),
}

/// The indexes of those that the plan compares with.
pub(super) const SOCKETIOXIDE: usize = 1;
pub(super) const FLOOR: usize = 2;
pub(super) const NODE: usize = 3;
pub(super) const BUN: usize = 5;

/// All contestants; ours is the first.
pub(super) const CONTESTANTS: [Contestant; 6] = [
    Contestant::of("Tidings", Kind::Tidings, &[]),
    Contestant::of("socketioxide", Kind::Socketioxide, &[]),
    Contestant::of("floor", Kind::Floor, &[]),
    Contestant::of("Node", Kind::Node { workers: 0 }, &[]),
    Contestant::of("Node, 2 workers", Kind::Node { workers: 2 }, &[]),
    Contestant::of("Bun", Kind::Bun, &[]),
];

/// The indexes of the forms of our server that have a bar.
pub(super) const OVER_TLS: usize = 1;
pub(super) const WITH_METRICS: usize = 2;

/// Our server as it is by default, and with something that can be switched on.
pub(super) const FORMS: [Contestant; 3] = [
    Contestant::of("by default", Kind::Tidings, &[]),
    Contestant::of("over TLS", Kind::Tidings, &["--tls"]),
    Contestant::of("with metrics", Kind::Tidings, &["--metrics"]),
];

const RELAY: &str = "room_relay";
const FLOOR_FOLDER: &str = "bench/floor";
const SOCKETIOXIDE_FOLDER: &str = "bench/peers/socketioxide";
const SOCKETIOXIDE_PROGRAM: &str = "target/release/peer-socketioxide";
const NODE_FOLDER: &str = "bench/peers/node";
const BUN_FOLDER: &str = "bench/peers/bun";

impl Contestant {
    const fn of(name: &'static str, kind: Kind, arguments: &'static [&'static str]) -> Self {
        Self { name, kind, arguments }
    }

    pub(super) fn build(&self, root: &Path) -> Result<(), String> {
        match self.kind {
            Kind::Tidings => {
                finish(cargo(root).args(["--package", "tidings", "--package", "tidings-bench"]))?;
                finish(cargo(root).args(["--package", "socketio-server", "--example", RELAY]))
            }
            Kind::Floor => finish(&mut cargo(&root.join(FLOOR_FOLDER))),
            Kind::Socketioxide => finish(&mut cargo(&root.join(SOCKETIOXIDE_FOLDER))),
            Kind::Node { .. } => install(&root.join(NODE_FOLDER)),
            Kind::Bun => install(&root.join(BUN_FOLDER)),
        }
    }

    /// The server for a contract; `None` if the contestant does not support it.
    pub(super) fn server(&self, root: &Path, contract: Contract) -> Option<Server> {
        let program = |folder: &str, program: &str, argument: &str| {
            let path = root.join(folder).join(program);
            Server::Command(format!("{} {argument}", path.display()).trim_end().to_owned())
        };
        Some(match (self.kind, contract) {
            (Kind::Tidings, Contract::Chat | Contract::Start) => Server::Own,
            (Kind::Tidings, Contract::Rooms) => program("target/release/examples", RELAY, ""),
            (Kind::Floor, Contract::Chat | Contract::Rooms) => program(FLOOR_FOLDER, "target/release/floor", ""),
            (Kind::Socketioxide, Contract::Chat) => program(SOCKETIOXIDE_FOLDER, SOCKETIOXIDE_PROGRAM, ""),
            (Kind::Socketioxide, Contract::Rooms) => program(SOCKETIOXIDE_FOLDER, SOCKETIOXIDE_PROGRAM, "rooms"),
            (Kind::Node { workers }, Contract::Chat) => Server::Command(format!(
                "node {} {workers}",
                root.join(NODE_FOLDER).join("server.mjs").display()
            )),
            (Kind::Node { workers: 0 }, Contract::Rooms) => {
                Server::Command(format!("node {} rooms", root.join(NODE_FOLDER).join("server.mjs").display()))
            }
            (Kind::Bun, Contract::Chat) => Server::Command(bun(root, "")),
            (Kind::Bun, Contract::Rooms) => Server::Command(bun(root, "rooms")),
            // Only one process numbers the messages of a room.
            (Kind::Node { .. }, Contract::Rooms)
            // `tidings-bench start` can fill only the log of Tidings.
            | (Kind::Floor | Kind::Socketioxide | Kind::Node { .. } | Kind::Bun, Contract::Start) => return None,
        })
    }
}

/// The command that starts the server on Bun, which its package brings.
fn bun(root: &Path, mode: &str) -> String {
    let folder = root.join(BUN_FOLDER);
    let (bun, server) = (folder.join("node_modules/.bin/bun"), folder.join("server.mjs"));
    format!("{} {} {mode}", bun.display(), server.display()).trim_end().to_owned()
}

/// Installs the packages of a peer, if they are not there.
fn install(folder: &Path) -> Result<(), String> {
    if folder.join("node_modules").exists() {
        return Ok(());
    }
    finish(Command::new("npm").arg("ci").current_dir(folder))
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
