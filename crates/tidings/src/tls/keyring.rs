//! [`Keyring`]: the certificate in use, and the settings of TLS that go with it.
//!
//! A new certificate comes with new keys for session tickets, so a client that resumes a session sees it too.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::sign::SingleCertAndKey;

use super::certificate::{Certificate, CertificateError, Validity};

pub(super) struct Keyring(Mutex<Held>);

struct Held {
    config: Arc<ServerConfig>,
    names: Vec<String>,
    validity: Validity,
}

impl Keyring {
    pub(super) fn new(certificate: Certificate) -> Result<Self, CertificateError> {
        Ok(Self(Mutex::new(Held::new(certificate)?)))
    }

    /// Gives new connections this certificate.
    pub(super) fn replace(&self, certificate: Certificate) -> Result<(), CertificateError> {
        let held = Held::new(certificate)?;
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

    pub(super) fn validity(&self) -> Validity {
        self.held().validity
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        // It is replaced as a whole, so a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn new(certificate: Certificate) -> Result<Self, CertificateError> {
        let Certificate { key, names, validity } = certificate;
        let broken = |error: rustls::Error| CertificateError { what: "TLS".into(), why: error.to_string() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // The client keeps its session, so that the server holds nothing for clients that are gone.
        config.ticketer = ring::Ticketer::new().map_err(broken)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), names, validity })
    }
}
