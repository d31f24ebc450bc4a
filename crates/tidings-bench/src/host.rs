//! [`Host`]: where connections go, and whether they speak TLS there.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::Failure;

#[derive(Clone, Debug)]
pub(crate) struct Host {
    address: SocketAddr,
    tls: Option<Tls>,
}

/// How TLS is spoken with a host.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

impl Host {
    /// From a URL. An https URL needs the certificates to trust.
    pub(crate) fn at(url: &str, trusted: &[CertificateDer<'static>]) -> Result<Self, Failure> {
        let unusable = || Failure::Server(format!("{url} is not an address such as http://127.0.0.1:3000"));
        let (scheme, rest) = url.split_once("://").ok_or_else(unusable)?;
        let authority = rest.split('/').next().unwrap_or(rest);
        let (name, port) =
            authority.rsplit_once(':').map_or((authority, None), |(name, port)| (name, Some(port)));
        let (usual_port, tls) = match scheme {
            "http" => (80, None),
            "https" => {
                let name = ServerName::try_from(name.to_owned()).map_err(|_| unusable())?;
                (443, Some(Tls { config: config(trusted)?, name }))
            }
            _ => return Err(unusable()),
        };
        let port = port.map_or(Ok(usual_port), str::parse).map_err(|_| unusable())?;
        let address = (name, port).to_socket_addrs()?.find(SocketAddr::is_ipv4).ok_or_else(unusable)?;
        Ok(Self { address, tls })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Its address, for what speaks no TLS.
    pub(crate) fn plain_address(&self) -> Result<SocketAddr, Failure> {
        if self.tls.is_some() { Err(Failure::NoTls) } else { Ok(self.address) }
    }
}

/// The certificates in a PEM file.
pub(crate) fn trusted_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unusable = |why: String| Failure::Server(format!("--ca {}: {why}", file.display()));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match certificates {
        Ok(none) if none.is_empty() => Err(unusable("there is no certificate in it".into())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// Every connection makes a whole handshake, so that each costs the same.
fn config(trusted: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, Failure> {
    let broken = |error: rustls::Error| Failure::Server(format!("TLS: {error}"));
    if trusted.is_empty() {
        return Err(Failure::Server("an https URL needs --ca with the certificate to trust".into()));
    }
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).map_err(broken)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_path_but_needs_its_scheme() {
        assert_eq!(Host::at("http://127.0.0.1:3000/chat", &[]).unwrap().address().port(), 3000);
        assert_eq!(Host::at("http://127.0.0.1", &[]).unwrap().address().port(), 80);
        for bad in ["127.0.0.1:3000", "ftp://127.0.0.1", "http://127.0.0.1:x"] {
            assert!(Host::at(bad, &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_is_trusted_over_https_without_a_certificate() {
        assert!(Host::at("https://127.0.0.1:3000", &[]).unwrap_err().to_string().contains("--ca"));
    }
}
