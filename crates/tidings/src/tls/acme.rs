//! [`Acme`]: certificates that are ordered from an authority by ACME (RFC 8555), and renewed in time.
//!
//! It serves what it has kept from before, orders what is missing, and renews when two thirds of the lifetime are over. An
//! order that fails is repeated, later and later, and the log says why and what to do. It never ends and holds up nobody:
//! without a certificate, handshakes fail, and all else goes on.

mod order;
mod store;
mod timing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use instant_acme::{Account, ChallengeType, NewAccount};

use self::order::{OrderError, order};
use self::store::Store;
use self::timing::{Delay, renewal};
use super::Now;
use super::certificate::{Certificate, CertificateError};
use super::challenges::Challenges;
use super::keyring::Keyring;
use crate::options::TlsOptions;

/// Orders certificates.
#[derive(Debug)]
pub(super) struct Acme {
    names: Vec<String>,
    contact: Option<String>,
    directory: String,
    root: Option<PathBuf>,
    challenges: Arc<Challenges>,
    /// Known when the data folder is.
    store: Option<Store>,
    /// Whether the listener that redirects can answer.
    has_http: bool,
}

impl Acme {
    /// As the options ask for it.
    pub(super) fn of(
        options: &TlsOptions,
        challenges: Arc<Challenges>,
    ) -> Result<Option<Self>, CertificateError> {
        if options.acme.is_empty() {
            return Ok(None);
        }
        if let Some(root) = &options.acme_root {
            store::check_root(root)?;
        }
        Ok(Some(Self {
            names: options.acme.clone(),
            contact: options.acme_contact.as_ref().map(|email| format!("mailto:{email}")),
            directory: options.acme_directory.clone(),
            root: options.acme_root.clone(),
            challenges,
            store: None,
            has_http: options.redirect.is_some(),
        }))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The certificate of an earlier run, if it is for these names and still valid.
    pub(super) fn open(&mut self, folder: &Path, now: i64) -> Option<Certificate> {
        let store = self.store.insert(Store::new(folder, &self.directory));
        let certificate = store.certificate(now)?;
        self.names.iter().all(|name| certificate.names.contains(name)).then_some(certificate)
    }

    /// Orders and renews, until it is dropped.
    pub(super) async fn tend(&self, keyring: &Keyring, now: Now) {
        let Some(store) = &self.store else { return };
        let mut delay = Delay::default();
        loop {
            if let Some(validity) = keyring.validity() {
                timing::wait_until(renewal(validity), now).await;
            }
            let used = match self.obtain(store, now).await {
                Ok(certificate) => {
                    keyring.replace(certificate).map_err(|error| OrderError::Unusable(error.to_string()))
                }
                Err(error) => Err(error),
            };
            let Err(error) = used else {
                delay = Delay::default();
                tracing::info!("the authority has given a certificate for {}", self.names.join(", "));
                continue;
            };
            // Also after a certificate that cannot be used: it is counted by the authority like any other.
            let pause = delay.after(&error);
            let until = keyring.validity().map_or_else(
                || "https does not work yet".to_owned(),
                |validity| format!("the old one stays in use and expires at {}", validity.end()),
            );
            let names = self.names.join(", ");
            tracing::warn!(
                "no new certificate for {names}: {error}; {}. {until}; the next try is in {} s",
                error.remedy(self.has_http),
                pause.as_secs()
            );
            tokio::time::sleep(pause).await;
        }
    }

    /// Tries the challenges that this server can answer, one after the other.
    async fn obtain(&self, store: &Store, now: Now) -> Result<Certificate, OrderError> {
        let account = self.account(store).await?;
        let mut kinds = vec![ChallengeType::TlsAlpn01];
        kinds.extend(self.has_http.then_some(ChallengeType::Http01));
        let mut last = None;
        for kind in kinds {
            let ordered = order(&account, &self.names, &kind, &self.challenges).await;
            self.challenges.forget();
            match ordered {
                Ok(issued) => return store.keep(&issued, now),
                Err(OrderError::Refused(why)) => last = Some(OrderError::Refused(why)),
                Err(other) => return Err(other),
            }
        }
        Err(last.unwrap_or(OrderError::Refused("no challenge".into())))
    }

    /// The account at the authority: kept, or made now.
    async fn account(&self, store: &Store) -> Result<Account, OrderError> {
        let builder = || match &self.root {
            Some(root) => Account::builder_with_root(root),
            None => Account::builder(),
        };
        if let Some(kept) = store.account() {
            return Ok(builder()?.from_credentials(kept).await?);
        }
        let contact: Vec<&str> = self.contact.iter().map(String::as_str).collect();
        let new =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder()?.create(&new, self.directory.clone(), None).await?;
        store.keep_account(&credentials)?;
        Ok(account)
    }
}
