//! The lines that the server prints when it has started: its addresses, the cost of the start, the owner's link.
//!
//! Programs wait for the first line and read the addresses from it, so its form must not change.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::assets::WITHOUT_WEB;
use tidings::v1::code::Code;

/// A start that has succeeded.
pub(super) struct FirstRun<'a> {
    pub(super) addresses: &'a [SocketAddr],
    pub(super) took: Duration,
    /// None if nothing is kept.
    pub(super) data: Option<&'a Path>,
    /// None if there is an owner.
    pub(super) setup: Option<&'a Code>,
}

impl FirstRun<'_> {
    /// Says it on standard output.
    pub(super) fn announce(&self) {
        let mut out = std::io::stdout();
        // A server whose output nobody reads serves all the same.
        let _ = out.write_all(self.to_string().as_bytes());
        let _ = out.flush();
    }
}

impl fmt::Display for FirstRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.addresses.iter().map(|address| format!("http://{address}")).collect();
        writeln!(f, "tidings is ready on {}", urls.join(" "))?;
        write!(f, "ready in {} ms", self.took.as_millis().max(1))?;
        if let Some(bytes) = resident_bytes() {
            write!(f, ", {} MB of memory", bytes.div_ceil(1_000_000))?;
        }
        match self.data {
            Some(folder) => writeln!(f, ", data in {}", folder.display())?,
            None => writeln!(f, ", data in a temporary folder, deleted at the end")?,
        }
        if WITHOUT_WEB {
            writeln!(f, "THIS BINARY HAS NO WEB APP: it was built with TIDINGS_WEB=skip")?;
        }
        if let (Some(code), Some(address)) = (self.setup, self.addresses.first()) {
            writeln!(f, "open to become the owner: {}/#setup={code}", reachable(*address))?;
        }
        Ok(())
    }
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// What the process occupies, where the system says so in the manner of Linux.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(setup: Option<&Code>) -> Vec<String> {
        let addresses = ["0.0.0.0:3000".parse().unwrap(), "127.0.0.1:80".parse().unwrap()];
        let took = Duration::from_micros(300);
        let run = FirstRun { addresses: &addresses, took, data: Some(Path::new("data")), setup };
        run.to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_first_line_names_every_address() {
        let lines = lines(None);
        assert_eq!(lines[0], "tidings is ready on http://0.0.0.0:3000 http://127.0.0.1:80");
        assert!(
            lines[1].starts_with("ready in 1 ms") && lines[1].ends_with(", data in data"),
            "{}",
            lines[1]
        );
        assert_eq!(lines.len(), if WITHOUT_WEB { 3 } else { 2 });
    }

    #[test]
    fn without_an_owner_a_link_makes_one() {
        let code = Code::from_bytes([0; 10]);
        let expected = "open to become the owner: http://localhost:3000/#setup=0000-0000-0000-0000";
        assert_eq!(lines(Some(&code)).last().unwrap(), expected);
    }
}
