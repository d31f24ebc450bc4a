//! [`Target`]: the server that is measured: one that runs already, or one started for this run alone.
//!
//! A server that is started gets an empty folder to work in, which goes with it, and says on its standard output, in a line
//! with an `http://` URL, where it listens. Without a command it is Tidings itself.

use std::io::{self, BufRead as _, BufReader};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::Failure;
use super::fleet::New;
use super::options::Subject;
use super::process::{self, Tree};

pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Nothing, if the server runs elsewhere.
    pub(crate) tree: Option<Tree>,
    /// Ends with the run; its folder after it.
    started: Option<(Child, TempDir)>,
}

impl Target {
    /// Whether its chat is known to be empty.
    pub(crate) fn is_new(&self) -> New {
        if self.started.is_some() { New::Yes } else { New::No }
    }

    pub(crate) fn reach(server: &Subject) -> Result<Self, Failure> {
        let target = match &server.url {
            Some(url) => {
                Self { address: resolve(url)?, tree: server.server_pid.map(Tree::of), started: None }
            }
            None => Self::start(server)?,
        };
        if let (Some(cpu), Some(tree)) = (server.pin_server, target.tree) {
            tree.pin(cpu)?;
        }
        if let Some(cpu) = server.pin_client {
            process::pin_self(cpu)?;
        }
        Ok(target)
    }

    fn start(server: &Subject) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("tidings-bench-").tempdir()?;
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
        let mut target =
            Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), tree, started: Some((child, folder)) };
        let output = output.ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        for line in BufReader::new(output).lines() {
            if let Some(url) = url_in(&line?) {
                target.address = resolve(&url)?;
                return Ok(target);
            }
        }
        Err(Failure::Server("it has ended without saying where it listens".into()))
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

impl Drop for Target {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.started {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn url_in(line: &str) -> Option<String> {
    let start = line.find("http://")?;
    line.get(start..)?.split_whitespace().next().map(str::to_owned)
}

pub(crate) fn resolve(url: &str) -> Result<SocketAddr, Failure> {
    let unusable = || Failure::Server(format!("{url} is not an address such as http://127.0.0.1:3000"));
    let authority = url.strip_prefix("http://").ok_or_else(unusable)?;
    let authority = authority.split('/').next().unwrap_or(authority);
    let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    authority.to_socket_addrs()?.find(SocketAddr::is_ipv4).ok_or_else(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_url_of_the_line_is_where_the_server_is() {
        let line = "tidings is ready on http://127.0.0.1:1 http://127.0.0.1:2";
        assert_eq!(url_in(line).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(url_in("listening"), None);
    }

    #[test]
    fn an_address_may_have_a_path_but_needs_its_scheme() {
        assert_eq!(resolve("http://127.0.0.1:3000/chat").unwrap().port(), 3000);
        assert!(resolve("127.0.0.1:3000").is_err());
    }
}
