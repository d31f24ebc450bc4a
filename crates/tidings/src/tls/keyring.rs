//! [`Keyring`]: the certificate in use, and the settings of TLS that go with it.
//!
//! A new certificate comes with new keys for session tickets, so a client that resumes a session sees it too. There may be
//! none yet; handshakes fail then, except those that are challenges of an authority.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

use super::certificate::{Certificate, CertificateError, Validity};
use super::challenges::{ACME_TLS, Challenges};

pub(super) struct Keyring {
    held: Mutex<Held>,
    /// Where certificates are ordered.
    challenges: Option<Arc<Challenges>>,
}

struct Held {
    config: Arc<ServerConfig>,
    names: Vec<String>,
    validity: Option<Validity>,
}

impl Keyring {
    /// With a certificate, or without one yet.
    pub(super) fn new(
        certificate: Option<Certificate>,
        challenges: Option<Arc<Challenges>>,
    ) -> Result<Self, CertificateError> {
        Ok(Self { held: Mutex::new(Held::new(certificate, challenges.clone())?), challenges })
    }

    /// Gives new connections this certificate.
    pub(super) fn replace(&self, certificate: Certificate) -> Result<(), CertificateError> {
        let held = Held::new(Some(certificate), self.challenges.clone())?;
        *self.held() = held;
        Ok(())
    }

    /// The settings for a new connection.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.held().config)
    }

    /// The names that the certificate is for.
    pub(super) fn names(&self) -> Vec<String> {
        self.held().names.clone()
    }

    /// `None` if there is no certificate.
    pub(super) fn validity(&self) -> Option<Validity> {
        self.held().validity
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // It is replaced as a whole, so a panic leaves nothing half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn new(
        certificate: Option<Certificate>,
        challenges: Option<Arc<Challenges>>,
    ) -> Result<Self, CertificateError> {
        let broken = |error: rustls::Error| CertificateError { what: "TLS".into(), why: error.to_string() };
        let (names, validity) =
            certificate.as_ref().map(|certificate| (certificate.names.clone(), certificate.validity)).unzip();
        let mut protocols = vec![b"http/1.1".to_vec()];
        protocols.extend(challenges.as_ref().map(|_| ACME_TLS.to_vec()));
        let resolver = Resolver { key: certificate.map(|certificate| certificate.key), challenges };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = protocols;
        // The client keeps its session, so that the server holds nothing for clients that are gone.
        config.ticketer = ring::Ticketer::new().map_err(broken)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), names: names.unwrap_or_default(), validity })
    }
}

#[derive(Debug)]
struct Resolver {
    key: Option<Arc<CertifiedKey>>,
    challenges: Option<Arc<Challenges>>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut protocols = hello.alpn().into_iter().flatten();
        // Only an authority asks for this, and for nothing else.
        match (&self.challenges, protocols.next(), protocols.next()) {
            (Some(challenges), Some(ACME_TLS), None) => challenges.for_handshake(&hello),
            _ => self.key.clone(),
        }
    }
}
