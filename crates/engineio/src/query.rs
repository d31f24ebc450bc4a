//! The parameters of the protocol in a query string.
//!
//! Accepts any string: what cannot be decoded becomes a replacement character, which then fails the checks of
//! [`route`](crate::route). It checks nothing itself. It ignores the cache buster `t` and the parameters of older
//! revisions (`b64`, `j`); for the application's own parameters, use [`Query::pairs`].

use std::borrow::Cow;
use std::fmt;

use crate::redacted::Redacted;

/// The parameters of the protocol, percent-decoded.
///
/// A parameter that occurs twice is joined by a comma, which has the same effect as in the Node implementation. No
/// check accepts such a value, so a proxy and this server cannot disagree about which of the two counts.
///
/// ```
/// let query = engineio::Query::parse("EIO=4&transport=polling&sid=k3Gq%2D1&t=Pz9");
/// assert_eq!(query.eio.as_deref(), Some("4"));
/// assert_eq!(query.transport.as_deref(), Some("polling"));
/// assert_eq!(query.sid.as_deref(), Some("k3Gq-1"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// The protocol revision of the client.
    pub eio: Option<Cow<'a, str>>,
    /// The name of the transport.
    pub transport: Option<Cow<'a, str>>,
    /// The id of the session; absent in a request that opens one.
    pub sid: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    /// Reads a query string, without its question mark.
    pub fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in Self::pairs(query) {
            let field = match &*name {
                "EIO" => &mut parsed.eio,
                "transport" => &mut parsed.transport,
                "sid" => &mut parsed.sid,
                _ => continue,
            };
            match field {
                Some(joined) => {
                    let joined = joined.to_mut();
                    joined.push(',');
                    joined.push_str(&value);
                }
                None => *field = Some(value),
            }
        }
        parsed
    }

    /// All parameters of a query string in their order, percent-decoded: those of the protocol and those of the
    /// application.
    pub fn pairs(query: &'a str) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        form_urlencoded::parse(query.as_bytes())
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("eio", &self.eio)
            .field("transport", &self.transport)
            .field("sid", &self.sid.as_ref().map(|_| Redacted))
            .finish()
    }
}
