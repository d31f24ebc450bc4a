//! The server under test: one process of the fixtures' program.
//!
//! Owns the process from its first line of output to its end, and knows whether it survived the suite. When
//! [`Fixture::start`] returns, the port answers.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::command::{Failure, succeed, while_doing};

const START_DEADLINE: Duration = Duration::from_secs(20);
const BUILD_DEADLINE: Duration = Duration::from_mins(30);

/// The program with the fixtures.
#[derive(Debug)]
pub(super) struct Program(PathBuf);

impl Program {
    /// Builds our own. It is beside this program, whatever the build folder is called.
    pub(super) fn build() -> Result<Self, Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        succeed(Command::new(cargo).args(["build", "--package", "conformance"]), BUILD_DEADLINE)?;
        Ok(Self(build_folder().join("conformance")))
    }

    /// Another program, to see what the suites say about it.
    pub(super) fn foreign(path: PathBuf) -> Self {
        Self(path)
    }
}

/// A running fixture. Dropping this value ends it.
#[derive(Debug)]
pub(super) struct Fixture {
    child: Child,
    port: u16,
}

impl Fixture {
    /// Starts the fixture on a free port and waits until it listens.
    pub(super) fn start(program: &Program, name: &str) -> Result<Self, Failure> {
        let mut child = Command::new(&program.0)
            .args([name, "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(while_doing(format_args!("cannot start {}", program.0.display())))?;
        let output = child.stdout.take();
        let mut fixture = Self { child, port: 0 };
        let (tx, line) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut lines =
                output.into_iter().flat_map(|output| BufReader::new(output).lines().map_while(Result::ok));
            drop(tx.send(lines.next()));
            // The rest of its output is read too, so that it never blocks on a full pipe.
            lines.for_each(drop);
        });
        fixture.port = line
            .recv_timeout(START_DEADLINE)
            .ok()
            .flatten()
            .and_then(|line| line.strip_prefix("listening on ")?.trim().parse().ok())
            .ok_or_else(|| Failure::new(format!("the fixture {name} did not say `listening on PORT`")))?;
        Ok(fixture)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A suite can pass although the server died at its end. That is a failure too.
    pub(super) fn check_alive(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(Failure::new(format!("the fixture ended during the run: {status}"))),
            Err(err) => Err(while_doing("looking after the fixture")(err)),
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port where nobody listens: it was free a moment ago.
pub(super) fn silent_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(while_doing("binding a port"))?;
    listener.local_addr().map(|address| address.port()).map_err(while_doing("binding a port"))
}

/// The folder where cargo put this program.
pub(super) fn build_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().map_or_else(|| PathBuf::from("target/debug"), PathBuf::from)
}
