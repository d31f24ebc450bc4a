//! TLS on the listeners of the server: where certificates come from, and how connections are encrypted with them.
//!
//! A [`Keyring`] has the certificate in use. It comes from two files, which are [watched](files). Connections that are
//! open stay as they are when the certificate changes; new ones get the new one. The library of the server knows none of
//! this: it is given an [`Endpoint`].

mod certificate;
mod endpoint;
mod expiry;
mod files;
mod keyring;
mod redirect;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use socketio_server::{Encryption, HostPattern};
use tokio::net::TcpListener;

pub(crate) use self::certificate::CertificateError;
use self::endpoint::Endpoint;
use self::files::Files;
use self::keyring::Keyring;
use crate::options::TlsOptions;

/// The time of the wall clock, in seconds since 1970: certificates are valid by it.
pub(crate) type Now = fn() -> i64;

/// TLS as the options ask for it.
pub(crate) struct Tls {
    keyring: Arc<Keyring>,
    source: Files,
    redirect: Option<TcpListener>,
    now: Now,
}

impl Tls {
    /// Reads the certificate that the options name. `None` if the server is to speak no TLS.
    pub(crate) fn begin(options: &TlsOptions, now: Now) -> Result<Option<Self>, CertificateError> {
        let Some(source) = Files::of(options) else { return Ok(None) };
        let keyring = Arc::new(Keyring::new(source.load(now())?)?);
        Ok(Some(Self { keyring, source, redirect: None, now }))
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
        self.keyring.names().iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// The name that links to the server should have.
    pub(crate) fn name(&self) -> Option<String> {
        self.keyring.names().iter().find(|name| !name.starts_with('*')).cloned()
    }

    /// Keeps the certificate up to date and redirects, until it is dropped. `https` are the addresses of the listeners.
    pub(crate) async fn tend(tls: Option<Self>, https: &[SocketAddr]) {
        let Some(Self { keyring, source, redirect, now }) = tls else { return std::future::pending().await };
        let port = https.first().map_or(443, SocketAddr::port);
        let redirecting = async {
            if let Some(listener) = redirect {
                redirect::serve(listener, port).await;
            }
        };
        tokio::join!(source.watch(&keyring, now), redirecting);
    }
}
