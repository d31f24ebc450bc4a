//! [`Files`]: a certificate from two files, which are read again when they change.
//!
//! A program that renews a certificate replaces two files, one after the other. So they are read when they have not
//! changed for a moment. If they are wrong then, the log says so once, and the certificate in use stays.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Now;
use super::certificate::{Certificate, CertificateError, Pair, Validity};
use super::expiry::{Expiry, Stage};
use super::keyring::Keyring;
use crate::options::TlsOptions;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(super) struct Files {
    pair: Pair,
    /// What they looked like just before they were loaded, so that no change after that is missed.
    loaded: Arc<Mutex<[Look; 2]>>,
}

/// What shows that a file has changed: its device, number, size and times. `None` if it cannot be looked at.
type Look = Option<[u64; 5]>;

impl Files {
    pub(super) fn of(options: &TlsOptions) -> Option<Self> {
        let (certificate, key) = (options.tls_cert.clone()?, options.tls_key.clone()?);
        Some(Self { pair: Pair { certificate, key }, loaded: Arc::default() })
    }

    pub(super) fn load(&self, now: i64) -> Result<Certificate, CertificateError> {
        *self.loaded() = looks(&self.pair);
        self.pair.load(now)
    }

    fn loaded(&self) -> MutexGuard<'_, [Look; 2]> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the certificate whenever the files change, until it is dropped.
    pub(super) async fn watch(&self, keyring: &Keyring, now: Now) {
        let mut interval = tokio::time::interval(LOOK_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut watched = Watched::new(*self.loaded());
        let mut expiry = Expiry::default();
        let mut has_failed = false;
        loop {
            interval.tick().await;
            if let Some(validity) = keyring.validity()
                && let Some(stage) = expiry.news(validity, now())
            {
                self.tell(stage, validity);
            }
            if watched.settles(self.look().await) {
                has_failed = self.reload(keyring, now, has_failed).await;
            }
        }
    }

    fn tell(&self, stage: Stage, validity: Validity) {
        let (end, file) = (validity.end(), self.pair.certificate.display());
        match stage {
            Stage::Soon => tracing::warn!("the certificate will expire at {end}: renew {file}"),
            Stage::Over => tracing::warn!("the certificate expired at {end}: renew {file}"),
        }
    }

    /// Both files as they are now. A disk may be slow.
    async fn look(&self) -> [Look; 2] {
        let pair = self.pair.clone();
        tokio::task::spawn_blocking(move || looks(&pair)).await.unwrap_or_default()
    }

    /// Returns whether it has failed. Who reads that it has must read that it has not any more.
    async fn reload(&self, keyring: &Keyring, now: Now, had_failed: bool) -> bool {
        let pair = self.pair.clone();
        let Ok(loaded) = tokio::task::spawn_blocking(move || pair.load(now())).await else {
            return had_failed;
        };
        match loaded.and_then(|certificate| keyring.replace(certificate)) {
            Ok(()) if had_failed => {
                tracing::warn!("the files can be used again: new connections get the certificate in them");
            }
            Ok(()) => tracing::info!("new connections get the new certificate"),
            Err(error) => {
                tracing::warn!("the old certificate stays in use: {error}");
                return true;
            }
        }
        false
    }
}

fn looks(pair: &Pair) -> [Look; 2] {
    [look(&pair.certificate), look(&pair.key)]
}

fn look(file: &Path) -> Look {
    let about = std::fs::metadata(file).ok()?;
    let nanoseconds = about.mtime().cast_unsigned().wrapping_mul(1_000_000_000);
    let changed = about.ctime().cast_unsigned().wrapping_mul(1_000_000_000);
    let (modified, changed) = (
        nanoseconds.wrapping_add(about.mtime_nsec().cast_unsigned()),
        changed.wrapping_add(about.ctime_nsec().cast_unsigned()),
    );
    Some([about.dev(), about.ino(), about.size(), modified, changed])
}

/// The files as they were read, and as they were last seen.
struct Watched<T> {
    read: T,
    seen: T,
}

impl<T: PartialEq + Clone> Watched<T> {
    fn new(look: T) -> Self {
        Self { read: look.clone(), seen: look }
    }

    /// Whether the files are others than those that were read, and stand still. They count as read then.
    fn settles(&mut self, look: T) -> bool {
        let stands_still = self.seen == look;
        self.seen = look;
        let settles = stands_still && self.seen != self.read;
        if settles {
            self.read = self.seen.clone();
        }
        settles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_once_when_they_have_stopped_changing() {
        let mut watched = Watched::new(1);
        let looks = [1, 1, 2, 3, 3, 3, 4, 4, 1, 1];
        let read = looks.map(|look| watched.settles(look));
        assert_eq!(read, [false, false, false, false, true, false, false, true, false, true]);
    }

    #[test]
    fn a_change_between_the_load_and_the_first_look_is_read() {
        let temp = tempfile::tempdir().unwrap();
        let pair = Pair { certificate: temp.path().join("chain.pem"), key: temp.path().join("key.pem") };
        let write =
            |text: &str| [&pair.certificate, &pair.key].map(|file| std::fs::write(file, text).unwrap());
        let files = Files { pair: pair.clone(), loaded: Arc::default() };
        write("old");
        assert!(files.load(0).is_err(), "it is no certificate");
        write("renewed");
        let mut watched = Watched::new(*files.loaded());
        assert_eq!([(); 3].map(|()| watched.settles(looks(&pair))), [false, true, false]);
    }

    #[test]
    fn files_that_were_changed_back_before_they_were_read_are_not_read() {
        let mut watched = Watched::new(1);
        assert_eq!([2, 1, 1].map(|look| watched.settles(look)), [false, false, false]);
    }
}
