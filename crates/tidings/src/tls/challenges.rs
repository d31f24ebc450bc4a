//! [`Challenges`]: what an authority asks of this server, to see that it has the names.
//!
//! The one that orders puts answers in, the listeners give them out: TLS-ALPN-01 (RFC 8737) in a handshake for the protocol
//! `acme-tls/1`, HTTP-01 (RFC 8555) at a well-known path of the listener that redirects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

/// The protocol of a handshake that is a challenge.
pub(super) const ACME_TLS: &[u8] = b"acme-tls/1";

/// Where answers to HTTP-01 are.
pub(super) const HTTP_PATH: &str = "/.well-known/acme-challenge/";

#[derive(Debug, Default)]
pub(super) struct Challenges(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    /// By name.
    handshakes: HashMap<String, Arc<CertifiedKey>>,
    /// By token.
    texts: HashMap<String, String>,
}

impl Challenges {
    pub(super) fn answer_handshake(&self, name: &str, certificate: Arc<CertifiedKey>) {
        self.answers().handshakes.insert(name.to_ascii_lowercase(), certificate);
    }

    pub(super) fn answer_http(&self, token: &str, text: &str) {
        self.answers().texts.insert(token.to_owned(), text.to_owned());
    }

    /// The order is over.
    pub(super) fn forget(&self) {
        *self.answers() = Answers::default();
    }

    /// The certificate for a handshake that is a challenge.
    pub(super) fn for_handshake(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.answers().handshakes.get(&hello.server_name()?.to_ascii_lowercase()).cloned()
    }

    /// The answer at a path, if it is one of a challenge.
    pub(super) fn at(&self, path: &str) -> Option<String> {
        self.answers().texts.get(path.strip_prefix(HTTP_PATH)?).cloned()
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
