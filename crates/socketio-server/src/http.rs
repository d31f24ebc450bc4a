//! The small, pure parts of the HTTP side.
//!
//! Owns what a request tells ([`facts`], [`cache_buster`]), who may connect from where ([`origin`], [`own`], [`policy`],
//! [`cors`]) and to which names ([`host`]), who is behind a proxy ([`forwarded`]), the client bundle ([`bundle`]), the answer to a request that opens a
//! WebSocket ([`upgrade`]) and the other documented answers ([`response`]). Headers in, verdicts and finished responses out; promises that nothing in a header can panic or grow
//! memory beyond the header itself.
//!
//! Not pure are [`stream`], a connection as HTTP gets it, and its [`head_timer`]. Knows nothing of sessions and routes.

pub(crate) mod bundle;
pub(crate) mod cache_buster;
pub(crate) mod cors;
mod encoding;
pub(crate) mod facts;
pub(crate) mod forwarded;
pub(crate) mod head_timer;
pub(crate) mod host;
pub(crate) mod origin;
pub(crate) mod own;
pub(crate) mod policy;
pub(crate) mod response;
pub(crate) mod stall;
pub(crate) mod stream;
pub(crate) mod upgrade;
