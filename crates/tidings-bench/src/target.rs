//! [`Target`]: the server that is measured: one that runs already, or one started for this run alone.
//!
//! A server that is started gets an empty folder to work in, which goes with it, and says on its standard output, in a line
//! with its URL, where it listens. Without a command it is Tidings itself, which can be asked to speak TLS or to tell its metrics.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::fleet::New;
use super::host::{Host, trusted_in};
use super::monitor::Monitor;
use super::options::Subject;
use super::process::{self, Tree};
use super::{Failure, certificate};

pub(crate) struct Target {
    pub(crate) host: Host,
    /// Nothing, if the server runs elsewhere.
    pub(crate) tree: Option<Tree>,
    /// Reads its metrics.
    monitor: Option<Monitor>,
    /// Ends with the run; its folder after it.
    started: Option<Started>,
}

impl Target {
    /// Whether its chat is known to be empty.
    pub(crate) fn is_new(&self) -> New {
        if self.started.is_some() { New::Yes } else { New::No }
    }

    pub(crate) fn reach(server: &Subject) -> Result<Self, Failure> {
        let (mut target, metrics) = if let Some(url) = &server.url {
            let trusted = server.ca.as_deref().map_or(Ok(Vec::new()), trusted_in)?;
            let tree = server.server_pid.map(Tree::of);
            (Self { host: Host::at(url, &trusted)?, tree, monitor: None, started: None }, None)
        } else {
            Self::start(server)?
        };
        if let (Some(cpu), Some(tree)) = (server.pin_server, target.tree) {
            tree.pin(cpu)?;
        }
        if let Some(cpu) = server.pin_client {
            process::pin_self(cpu)?;
        }
        // Beside the clients, on their core.
        target.monitor = metrics.map(Monitor::begin).transpose()?;
        Ok(target)
    }

    /// Starts a server; returns where its metrics are, too.
    fn start(server: &Subject) -> Result<(Self, Option<SocketAddr>), Failure> {
        let folder = tempfile::Builder::new().prefix("tidings-bench-").tempdir()?;
        let mut trusted = Vec::new();
        let mut command = if let Some(line) = &server.server {
            let mut words = line.split_whitespace();
            let program = words.next().ok_or_else(|| Failure::Server("the command is empty".into()))?;
            // What is named from here is not there for a process that works in another folder.
            let program = std::fs::canonicalize(program).unwrap_or_else(|_| program.into());
            let mut command = Command::new(program);
            command.args(words);
            command
        } else {
            let mut command = tidings()?;
            command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
            if server.tls {
                let made = certificate::make(folder.path())?;
                command.arg("--tls-cert").arg(made.certificate).arg("--tls-key").arg(made.key);
                trusted.push(made.trusted);
            }
            if server.metrics {
                command.args(["--metrics", "127.0.0.1:0"]);
            }
            command
        };
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        // A server that counts the cores at its start must find as many as it will have.
        let cores = process::own_cores()?;
        if let Some(cpu) = server.pin_server {
            process::pin_self(cpu)?;
        }
        let child = spawn(&mut command);
        process::use_cores(&cores)?;
        let mut child = child?;
        let tree = Some(Tree::of(child.id()));
        let output = child.stdout.take();
        let started = Started(child, folder);
        let output = output.ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        // Its own address comes first, then that of its metrics.
        let mut urls = BufReader::new(output).lines().map_while(Result::ok).filter_map(|line| url_in(&line));
        let silent = || Failure::Server("it has ended without saying where it listens".into());
        let host = Host::at(&urls.next().ok_or_else(silent)?, &trusted)?;
        let metrics = if server.metrics {
            Some(Host::at(&urls.next().ok_or_else(silent)?, &[])?.address())
        } else {
            None
        };
        Ok((Self { host, tree, monitor: None, started: Some(started) }, metrics))
    }

    /// The run is over. It does not count if the metrics could not be read meanwhile.
    pub(crate) fn leave(mut self) -> Result<(), Failure> {
        self.monitor.as_mut().map_or(Ok(()), Monitor::end).map_err(Failure::Monitor)
    }
}

/// The program `tidings`: the one beside this program, or else the one on the path.
pub(crate) fn tidings() -> io::Result<Command> {
    let name = format!("tidings{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()?.with_file_name(&name);
    Ok(Command::new(if beside.exists() { beside } else { name.into() }))
}

/// Starts a server.
pub(crate) fn spawn(command: &mut Command) -> Result<Child, Failure> {
    command.spawn().map_err(|error| {
        Failure::Server(format!("{} cannot be started: {error}", command.get_program().display()))
    })
}

/// A server with the folder that it works in.
struct Started(Child, #[expect(dead_code, reason = "it is there until the server has ended")] TempDir);

impl Drop for Started {
    fn drop(&mut self) {
        let Self(child, _) = self;
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

pub(crate) fn url_in(line: &str) -> Option<String> {
    let start = line.find("http://").or_else(|| line.find("https://"))?;
    line.get(start..)?.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_url_of_the_line_is_where_the_server_is() {
        let line = "tidings is ready on http://127.0.0.1:1 http://127.0.0.1:2";
        assert_eq!(url_in(line).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(url_in("on https://127.0.0.1:1/").as_deref(), Some("https://127.0.0.1:1/"));
        assert_eq!(url_in("listening"), None);
    }
}
