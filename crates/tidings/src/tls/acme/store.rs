//! [`Store`]: the account and the certificate in the data folder, for the next start. Only the owner of the folder may read
//! them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::order::{Issued, OrderError};
use crate::tls::Now;
use crate::tls::certificate::{Certificate, CertificateError};

const ACCOUNT: &str = "account.json";
const CERTIFICATE: &str = "certificate.json";

#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// What another authority has given is not used.
    directory: String,
}

#[derive(Deserialize, Serialize)]
struct Kept<T> {
    directory: String,
    credentials: T,
}

impl Store {
    pub(super) fn new(data: &Path, directory: &str) -> Self {
        Self { folder: data.join("acme"), directory: directory.to_owned() }
    }

    pub(super) fn account(&self) -> Option<AccountCredentials> {
        let kept: Kept<AccountCredentials> = self.read(ACCOUNT)?;
        (kept.directory == self.directory).then_some(kept.credentials)
    }

    pub(super) fn keep_account(&self, credentials: &AccountCredentials) -> io::Result<()> {
        self.write(ACCOUNT, &Kept { directory: self.directory.clone(), credentials })
    }

    /// The certificate of an earlier order, if it is still valid.
    pub(super) fn certificate(&self, now: i64) -> Option<Certificate> {
        let issued: Issued = self.read(CERTIFICATE)?;
        let is_of_this = issued.directory.as_ref() == Some(&self.directory);
        let read = Certificate::from_pem(issued.chain.as_bytes(), issued.key.as_bytes(), now);
        read.ok().filter(|_| is_of_this)
    }

    /// Checks a certificate and keeps it.
    pub(super) fn keep(&self, issued: &Issued, now: Now) -> Result<Certificate, OrderError> {
        let certificate = Certificate::from_pem(issued.chain.as_bytes(), issued.key.as_bytes(), now())
            .map_err(OrderError::Unusable)?;
        let Issued { chain, key, .. } = issued;
        let kept = Issued { directory: Some(self.directory.clone()), chain: chain.clone(), key: key.clone() };
        self.write(CERTIFICATE, &kept)?;
        Ok(certificate)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = fs::read(self.folder.join(name)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Replaces a file as a whole.
    fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        if !self.folder.exists() {
            fs::DirBuilder::new().mode(0o700).create(&self.folder)?;
        }
        let (file, new) = (self.folder.join(name), self.folder.join(format!("{name}.new")));
        // One that was left over may have had other permissions.
        drop(fs::remove_file(&new));
        let mut writing = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        writing.write_all(&serde_json::to_vec(value)?)?;
        writing.sync_all()?;
        fs::rename(&new, &file)
    }
}

/// Whether a file is a certificate that can be trusted.
pub(super) fn check_root(file: &Path) -> Result<(), CertificateError> {
    let wrong = |why: String| CertificateError { what: format!("--acme-root {}", file.display()), why };
    let text = fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    CertificateDer::from_pem_slice(&text).map_err(|_| wrong("there is no certificate in it".into()))?;
    Ok(())
}
