//! [`Certificate`]: a certificate chain with its private key, checked before anybody uses it.
//!
//! A pair that is made is readable, belongs together and is valid at that time. What is wrong with one that is not is said
//! in words for its operator.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys, crypto::ring};
use x509_parser::prelude::{ASN1Time, FromDer as _, GeneralName, X509Certificate};

/// The most bytes of a file. Chains and keys have some thousand.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why a certificate cannot be used. It names the option and the file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what}: {why}")]
pub(crate) struct CertificateError {
    /// What it is about: an option with its value.
    pub(crate) what: String,
    pub(crate) why: String,
}

impl CertificateError {
    fn of(option: &str, file: &Path, why: impl Into<String>) -> Self {
        Self { what: format!("{option} {}", file.display()), why: why.into() }
    }
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    /// The names of hosts that it is for, in small letters.
    pub(super) names: Vec<String>,
    pub(super) validity: Validity,
}

/// The time in which a certificate is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl Validity {
    /// Its end, as `2026-12-01T10:00:00Z`.
    pub(super) fn end(self) -> String {
        ASN1Time::from_timestamp(self.not_after).map_or_else(|_| "an unknown time".into(), iso)
    }
}

/// Two files of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Pair {
    /// Reads both files, and checks that they can be used now.
    pub(super) fn load(&self, now: i64) -> Result<Certificate, CertificateError> {
        let of_certificate = |why: String| CertificateError::of("--tls-cert", &self.certificate, why);
        let of_key = |why: String| CertificateError::of("--tls-key", &self.key, why);
        let chain = read(&self.certificate).map_err(of_certificate)?;
        let key = read(&self.key).map_err(of_key)?;
        Certificate::read(&chain, &key, now).map_err(|wrong| match wrong {
            Wrong::Certificate(why) => of_certificate(why),
            Wrong::Key(why) => of_key(why),
        })
    }
}

/// The content of a file. A pipe would keep the reader for ever, and a file that is too long is none of these.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !about.is_file() && !about.is_dir() {
        return Err("it is a pipe or a device, and no file".into());
    }
    if about.len() > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read(path).map_err(|error| unreadable(&error))
}

/// What is wrong with a pair, and with which of the two.
enum Wrong {
    Certificate(String),
    Key(String),
}

impl Certificate {
    /// From two PEM texts that no option names.
    pub(super) fn from_pem(chain: &[u8], key: &[u8], now: i64) -> Result<Self, String> {
        Self::read(chain, key, now).map_err(|(Wrong::Certificate(why) | Wrong::Key(why))| why)
    }

    fn read(chain: &[u8], key: &[u8], now: i64) -> Result<Self, Wrong> {
        let chain = chain_of(chain).map_err(Wrong::Certificate)?;
        let key = key_of(key).map_err(Wrong::Key)?;
        let signer = ring::sign::any_supported_type(&key).map_err(|_| {
            Wrong::Key("this kind of private key is not supported: use an ECDSA, Ed25519 or RSA key".into())
        })?;
        let key = CertifiedKey::new(chain, signer);
        let leaf = key.end_entity_cert().map_err(|error| Wrong::Certificate(error.to_string()))?;
        let facts = Facts::read(leaf)
            .ok_or_else(|| Wrong::Certificate("the first certificate in it is damaged".into()))?;
        match key.keys_match() {
            Ok(()) | Err(TlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(_) => {
                return Err(Wrong::Key(
                    "the key does not belong to the first certificate of --tls-cert".into(),
                ));
            }
        }
        facts.check(now).map_err(Wrong::Certificate)?;
        let Facts { names, alternatives, not_before, not_after } = facts;
        if alternatives == 0 {
            tracing::warn!("the certificate has no names (subjectAltName): browsers refuse it");
        }
        let validity = Validity { not_before: not_before.timestamp(), not_after: not_after.timestamp() };
        Ok(Self { key: Arc::new(key), names, validity })
    }
}

fn unreadable(error: &std::io::Error) -> String {
    format!("cannot be read: {error}")
}

fn chain_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err("there is no certificate in it: a PEM file has a line -----BEGIN CERTIFICATE-----".into())
        }
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("not a PEM file: {error}")),
    }
}

fn key_of(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let is_encrypted = String::from_utf8_lossy(pem).contains("ENCRYPTED");
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(_) if is_encrypted => {
            Err("the private key in it is encrypted: store it without a passphrase".into())
        }
        Err(PemError::NoItemsFound) => {
            Err("there is no private key in it: a PEM file has a line -----BEGIN PRIVATE KEY-----".into())
        }
        Err(error) => Err(format!("not a PEM file: {error}")),
    }
}

/// What is read from a certificate.
struct Facts {
    names: Vec<String>,
    /// Names of any kind, addresses too.
    alternatives: usize,
    not_before: ASN1Time,
    not_after: ASN1Time,
}

impl Facts {
    /// `None` if it is damaged.
    fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let alternatives = parsed.subject_alternative_name().ok()?;
        let names = alternatives.iter().flat_map(|names| &names.value.general_names);
        let alternatives = names.clone().count();
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        let validity = parsed.validity();
        let (not_before, not_after) = (validity.not_before, validity.not_after);
        Some(Self { names: names.collect(), alternatives, not_before, not_after })
    }

    fn check(&self, now: i64) -> Result<(), String> {
        if now > self.not_after.timestamp() {
            return Err(format!("the certificate has expired: it was valid until {}", iso(self.not_after)));
        }
        if now < self.not_before.timestamp() {
            return Err(format!(
                "the certificate is not valid before {}; is the clock right?",
                iso(self.not_before)
            ));
        }
        Ok(())
    }
}

/// A time as in ISO 8601, in UTC.
fn iso(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (hour, minute, second) = time.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", time.date())
}

#[cfg(test)]
mod tests {
    use super::Validity;

    #[test]
    fn the_end_of_a_certificate_is_told_in_utc() {
        let validity = Validity { not_before: 0, not_after: 1_796_119_205 };
        assert_eq!(validity.end(), "2026-12-01T10:00:05Z");
    }
}
