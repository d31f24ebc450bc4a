//! A certificate of a run's own, which its server shows and its clients trust. It is valid for this machine alone.

use std::io;
use std::path::{Path, PathBuf};

use rcgen::CertifiedKey;
use rustls::pki_types::CertificateDer;

/// Two files, and what to trust.
pub(crate) struct Made {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) trusted: CertificateDer<'static>,
}

/// Makes one in a folder. Its key is the usual kind, on the curve P-256.
pub(crate) fn make(folder: &Path) -> io::Result<Made> {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, cert.pem())?;
    std::fs::write(&key, signing_key.serialize_pem())?;
    Ok(Made { certificate, key, trusted: cert.der().clone() })
}
