//! The names that the server answers to.
//!
//! Anybody may enter the chat, so a site that points its own name at the server could read and write in it from the
//! browsers of its visitors, behind any firewall. Only names that the operator has chosen, and those that nobody else
//! can point here, are served.

use socketio_server::{HostPattern, HostPolicy, OriginPattern};

use crate::options::Serve;

/// Said to a client that asks for another name, and in the log.
pub(super) const REMEDY: &str = "If it is yours, start tidings with --host {host}: see tidings --help";

/// The hosts of the options and of the certificate, and this machine's own.
pub(super) fn of(options: &Serve, certified: &[HostPattern]) -> HostPolicy {
    let origins = options.origin.iter().filter_map(OriginPattern::host);
    options.host.iter().cloned().chain(origins).chain(certified.iter().cloned()).chain(machine()).collect()
}

/// The name that this machine has given itself, if it is one.
fn machine() -> Option<HostPattern> {
    rustix::system::uname().nodename().to_str().ok()?.parse().ok()
}
