//! [`Ignored`]: peers that say for whom they ask, although they are not trusted proxies.
//!
//! Behind a proxy that the operator has not named, all clients have the address of the proxy. That is told, but anybody can send
//! such headers: so each peer is told of once, few peers of the wide internet are, and none of them is taken for the operator's
//! own. A trusted proxy that does not say for whom it asks is told of once too. It has no clock.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::Config;
use crate::http::forwarded::FORWARDED;

/// Peers of the same machine or network that are told of, and trusted proxies.
const NEAR_MAX: usize = 16;

/// Other peers.
const FAR_MAX: usize = 4;

/// The peers that were told of.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    peers: Mutex<Peers>,
}

#[derive(Debug, Default)]
struct Peers {
    near: HashSet<IpAddr>,
    far: HashSet<IpAddr>,
    /// The first of the near ones.
    first: Option<IpAddr>,
    /// Trusted proxies.
    nameless: HashSet<IpAddr>,
}

impl Ignored {
    /// Whether this peer is to be told of now.
    pub(crate) fn note(&self, peer: IpAddr) -> bool {
        let mut peers = self.peers();
        if !is_near(peer) {
            return peers.far.len() < FAR_MAX && peers.far.insert(peer);
        }
        peers.first.get_or_insert(peer);
        peers.near.len() < NEAR_MAX && peers.near.insert(peer)
    }

    /// Whether this trusted proxy, which named no client, is to be told of now.
    pub(crate) fn note_nameless(&self, proxy: IpAddr) -> bool {
        let mut peers = self.peers();
        peers.nameless.len() < NEAR_MAX && peers.nameless.insert(proxy)
    }

    /// The first peer of the same machine or network, which is hardly anything but a proxy.
    pub(crate) fn proxy(&self) -> Option<IpAddr> {
        self.peers().first
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an address is of the same machine or network: no stranger on the internet has it.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Why `header` of `peer` was ignored, what follows, and what can be done, with the operator's text from `config`.
pub(crate) fn told(header: &str, peer: IpAddr, config: &Config) -> String {
    let rates = if config.pacing.applies_to(Some(peer)) { "" } else { ", and no rate applies to them" };
    let read = if header == FORWARDED { " Only X-Forwarded-For, -Proto and -Host are read." } else { "" };
    format!(
        "{header} was ignored, because {peer} is not a trusted proxy: all who come through it count as one address{rates}.{read} {}",
        config.proxy_remedy.replace("{peer}", &peer.to_string())
    )
}

/// What follows if a trusted proxy names nobody, and what can be done.
pub(crate) fn told_nameless(proxy: IpAddr) -> String {
    format!(
        "X-Forwarded-For named nobody behind the trusted proxy {proxy}: all such clients count as one address, to which rates \
         apply. Let the proxy send X-Forwarded-For with the address of its client."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_is_told_of_once_and_strangers_hide_no_proxy() {
        let ignored = Ignored::default();
        let strangers = (0..100).filter(|n| ignored.note(address(&format!("198.51.100.{n}"))));
        assert_eq!(strangers.count(), FAR_MAX);
        assert_eq!(ignored.proxy(), None, "a stranger is not taken for a proxy of the operator");
        assert!(ignored.note(address("10.0.0.5")) && !ignored.note(address("10.0.0.5")));
        assert!(ignored.note(address("::1")));
        assert_eq!(ignored.proxy(), Some(address("10.0.0.5")));
        let neighbours = (0..100).filter(|n| ignored.note(address(&format!("10.0.1.{n}"))));
        assert_eq!(neighbours.count(), NEAR_MAX - 2);
    }

    #[test]
    fn a_trusted_proxy_that_names_nobody_is_told_of_once() {
        let ignored = Ignored::default();
        assert!(ignored.note_nameless(address("127.0.0.1")) && !ignored.note_nameless(address("127.0.0.1")));
        let others = (0..100).filter(|n| ignored.note_nameless(address(&format!("10.0.1.{n}"))));
        assert_eq!(others.count(), NEAR_MAX - 1);
        assert_eq!(ignored.proxy(), None, "it is trusted already");
    }

    #[test]
    fn addresses_of_the_same_machine_or_network_are_near() {
        let near = [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.9",
            "172.17.0.1",
            "169.254.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
        ];
        assert!(near.iter().all(|text| is_near(address(text))));
        let far = ["192.0.2.1", "172.32.0.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"];
        assert!(!far.iter().any(|text| is_near(address(text))));
        assert!(is_near(address("::ffff:10.0.0.1")));
    }

    #[test]
    fn what_is_told_names_the_header_the_peer_the_effect_and_the_remedy() {
        let config = Config { proxy_remedy: "Trust {peer}.".into(), ..Config::default() };
        assert_eq!(
            told("X-Forwarded-For", address("10.0.0.5"), &config),
            "X-Forwarded-For was ignored, because 10.0.0.5 is not a trusted proxy: all who come through it count as one \
             address. Trust 10.0.0.5."
        );
        assert_eq!(
            told(FORWARDED, address("127.0.0.1"), &config),
            "Forwarded was ignored, because 127.0.0.1 is not a trusted proxy: all who come through it count as one address, \
             and no rate applies to them. Only X-Forwarded-For, -Proto and -Host are read. Trust 127.0.0.1."
        );
    }
}
