//! TLS on the listeners of the server: where certificates come from, and how connections are encrypted with them.
//!
//! A [`Keyring`] has the certificate in use. It comes from two files, which are [watched](files), or from an authority
//! that [gives and renews](acme) it. Connections that are open stay as they are when the certificate changes; new ones get the new one. The library of the server knows none of
//! this: it is given an [`Endpoint`].

mod acme;
mod certificate;
mod challenges;
mod endpoint;
mod expiry;
mod files;
mod keyring;
mod redirect;
mod stream;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use socketio_server::{Encryption, HostPattern};
use tokio::net::TcpListener;

use self::acme::Acme;
pub(crate) use self::certificate::CertificateError;
use self::challenges::Challenges;
use self::endpoint::Endpoint;
use self::files::Files;
use self::keyring::Keyring;
pub(crate) use self::redirect::CONNECTIONS_MAX as REDIRECTED_MAX;
use crate::options::TlsOptions;

/// The time of the wall clock, in seconds since 1970: certificates are valid by it.
pub(crate) type Now = fn() -> i64;

/// TLS as the options ask for it.
pub(crate) struct Tls {
    keyring: Arc<Keyring>,
    source: Source,
    challenges: Arc<Challenges>,
    redirect: Option<TcpListener>,
    now: Now,
}

/// The certificate in use.
pub(crate) struct InUse(Arc<Keyring>);

impl InUse {
    /// When it expires, since 1970. `None` if there is none yet.
    pub(crate) fn expires(&self) -> Option<Duration> {
        let validity = self.0.validity()?;
        u64::try_from(validity.not_after).ok().map(Duration::from_secs)
    }
}

/// Where certificates come from.
enum Source {
    Files(Files),
    Acme(Box<Acme>),
}

impl Tls {
    /// Reads the certificate that the options name. `None` if the server is to speak no TLS.
    pub(crate) fn begin(options: &TlsOptions, now: Now) -> Result<Option<Self>, CertificateError> {
        let challenges = Arc::<Challenges>::default();
        let (keyring, source) = if let Some(files) = Files::of(options) {
            (Keyring::new(Some(files.load(now())?), None)?, Source::Files(files))
        } else if let Some(acme) = Acme::of(options, Arc::clone(&challenges))? {
            // The client that speaks to the authority takes the one of the process.
            drop(ring::default_provider().install_default());
            (Keyring::new(None, Some(Arc::clone(&challenges)))?, Source::Acme(acme.into()))
        } else {
            return Ok(None);
        };
        Ok(Some(Self { keyring: Arc::new(keyring), source, challenges, redirect: None, now }))
    }

    /// Takes the certificate that an authority has given to an earlier run with this data folder.
    pub(crate) fn open(&mut self, folder: &Path) -> Result<(), CertificateError> {
        let Source::Acme(acme) = &mut self.source else { return Ok(()) };
        acme.open(folder, (self.now)()).map_or(Ok(()), |certificate| self.keyring.replace(certificate))
    }

    /// Has http on this listener redirected.
    pub(crate) fn redirect(&mut self, listener: std::net::TcpListener) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        self.redirect = Some(TcpListener::from_std(listener)?);
        Ok(())
    }

    /// What encrypts the connections of the listeners.
    pub(crate) fn encryption(&self) -> Arc<dyn Encryption> {
        Arc::new(Endpoint { keyring: Arc::clone(&self.keyring) })
    }

    /// The names that the certificate is for. Nobody else can serve a page under one of them over https.
    pub(crate) fn hosts(&self) -> Vec<HostPattern> {
        self.names().iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// The name that links to the server should have.
    pub(crate) fn name(&self) -> Option<String> {
        self.names().into_iter().find(|name| !name.starts_with('*'))
    }

    /// The certificate in use, whichever it is at a time, for monitors.
    pub(crate) fn in_use(&self) -> InUse {
        InUse(Arc::clone(&self.keyring))
    }

    fn names(&self) -> Vec<String> {
        match &self.source {
            Source::Files(_) => self.keyring.names(),
            Source::Acme(acme) => acme.names().to_vec(),
        }
    }

    /// Keeps the certificate up to date and redirects, until it is dropped. `https` are the addresses of the listeners.
    pub(crate) async fn tend(tls: Option<Self>, https: &[SocketAddr]) {
        let Some(Self { keyring, source, challenges, redirect, now }) = tls else {
            return std::future::pending().await;
        };
        let port = https.first().map_or(443, SocketAddr::port);
        let redirecting = async {
            if let Some(listener) = redirect {
                redirect::serve(listener, port, challenges).await;
            }
        };
        let renewing = async {
            match &source {
                Source::Files(files) => files.watch(&keyring, now).await,
                Source::Acme(acme) => acme.tend(&keyring, now).await,
            }
        };
        tokio::join!(renewing, redirecting);
    }
}
