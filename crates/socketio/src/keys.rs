//! [`Keys`]: what signs private ids, and hides positions of the log in them and in offsets.
//!
//! A position counts the entries of everybody, so whoever could read it would learn how much is said in conversations that
//! they are not in. An offset is sealed: its epoch and position are one block of AES-128, so that the same offset always
//! has the same text, and texts of different offsets tell nothing of each other. That an epoch is a random number of 64
//! bits makes a forged text useless: it opens as an epoch that no log has had.

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::offset::{self, Offset};

/// Part of every MAC, so that a key with another use as well never signs a private id by accident.
const OF_PRIVATE_IDS: &[u8] = b"socketio private id\0";
const OF_MASKS: &[u8] = b"socketio private id mask\0";
const OF_OFFSETS: &[u8] = b"socketio offset\0";

/// Stands between the number of a log and a sealed block, where the text of an open offset has a dot.
const SEAL: char = '~';
const BLOCK_BYTES: usize = 16;
/// The length of a block in base64 without padding.
const BLOCK_CHARS: usize = (BLOCK_BYTES * 4).div_ceil(3);

/// The current key, and the retired keys.
#[derive(Clone)]
pub struct Keys {
    current: Key,
    retired: Vec<Key>,
}

/// What is made of a key for each of its uses.
// Stored as MACs that have already processed the key and the context, which halves the work of each use.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) mac: Hmac<Sha256>,
    pub(crate) mask: Hmac<Sha256>,
    cipher: Aes128,
}

impl Keys {
    /// Signs, seals and verifies with `current`.
    pub fn new(current: [u8; 32]) -> Self {
        Self { current: Key::of(&current), retired: Vec::new() }
    }

    /// Also accepts what `retired` signed and sealed.
    #[must_use]
    pub fn with_retired(mut self, retired: [u8; 32]) -> Self {
        self.retired.push(Key::of(&retired));
        self
    }

    /// The text of an offset that tells nothing but its log.
    ///
    /// ```
    /// use socketio::{Keys, Offset};
    ///
    /// let keys = Keys::new([1; 32]);
    /// let offset = Offset { log: 1, epoch: 36, position: 4711 };
    /// let text = keys.seal(&offset);
    /// assert!(text.starts_with("1~"));
    /// assert!(keys.open(&text).any(|opened| opened == offset));
    /// // A text from before offsets were sealed stays valid.
    /// assert_eq!(keys.open("1.10.3mv").collect::<Vec<_>>(), [offset]);
    /// ```
    pub fn seal(&self, offset: &Offset) -> String {
        let mut block = [0; BLOCK_BYTES];
        let (epoch, position) = block.split_at_mut(8);
        epoch.copy_from_slice(&offset.epoch.to_be_bytes());
        position.copy_from_slice(&offset.position.to_be_bytes());
        let mut block = block.into();
        self.current.cipher.encrypt_block(&mut block);
        format!("{}{SEAL}{}", offset::Base36(offset.log), URL_SAFE_NO_PAD.encode(block))
    }

    /// What a text can mean: as many offsets as there are keys, of which at most one is true. None for other texts.
    pub fn open(&self, text: &str) -> impl Iterator<Item = Offset> + '_ {
        let (plain, sealed) = match text.split_once(SEAL) {
            None => (text.parse().ok(), None),
            Some((log, block)) => (None, offset::parse_base36(log).zip(block_of(block))),
        };
        let opened = sealed.into_iter().flat_map(|(log, block)| {
            self.all().map(move |key| {
                let mut block = block.into();
                key.cipher.decrypt_block(&mut block);
                let block = u128::from_be_bytes(block.into());
                let [epoch, position] = [block >> 64, block & u128::from(u64::MAX)];
                let part = |part| u64::try_from(part).expect("half of a block");
                Offset { log, epoch: part(epoch), position: part(position) }
            })
        });
        plain.into_iter().chain(opened)
    }

    pub(crate) fn current(&self) -> &Key {
        &self.current
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.retired)
    }
}

impl Key {
    fn of(key: &[u8; 32]) -> Self {
        let keyed = |context| {
            let mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key);
            mac.expect("HMAC takes keys of any length").chain_update(context)
        };
        let derived = keyed(OF_OFFSETS).finalize().into_bytes();
        let cipher = Aes128::new_from_slice(&derived[..BLOCK_BYTES]).expect("a key of 16 bytes");
        Self { mac: keyed(OF_PRIVATE_IDS), mask: keyed(OF_MASKS), cipher }
    }
}

/// The bytes of a block, if this is how they are written.
fn block_of(text: &str) -> Option<[u8; BLOCK_BYTES]> {
    if text.len() != BLOCK_CHARS {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("retired", &self.retired.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_sealed_offset_fits_the_bound() {
        let largest = Offset { log: u64::MAX, epoch: u64::MAX, position: u64::MAX };
        assert!(Keys::new([1; 32]).seal(&largest).len() <= Offset::TEXT_BYTES_MAX);
    }

    #[test]
    fn neighbours_have_nothing_in_common() {
        let keys = Keys::new([1; 32]);
        let text = |position| keys.seal(&Offset { log: 1, epoch: 7, position });
        let (one, other) = (text(41), text(42));
        let same = one.bytes().zip(other.bytes()).skip(2).filter(|(one, other)| one == other).count();
        assert!(same < 6, "{one} {other}");
        assert_eq!(one, text(41), "the same offset has the same text");
    }

    #[test]
    fn debug_output_tells_no_secrets() {
        let keys = Keys::new([0xab; 32]).with_retired([0xcd; 32]);
        assert_eq!(format!("{keys:?}"), "Keys { retired: 1, .. }");
    }

    proptest! {
        #[test]
        fn an_offset_opens_under_its_key_and_no_other(log: u64, epoch: u64, position: u64, key: [u8; 32], other: [u8; 32]) {
            let offset = Offset { log, epoch, position };
            let text = Keys::new(key).seal(&offset);
            let opened = |keys: Keys| keys.open(&text).collect::<Vec<_>>();
            prop_assert_eq!(opened(Keys::new(key)), [offset]);
            prop_assert!(opened(Keys::new(other).with_retired(key)).contains(&offset));
            if key != other {
                prop_assert_ne!(opened(Keys::new(other)), [offset]);
            }
        }

        #[test]
        fn a_text_that_opens_has_no_other_spelling(text in "[0-9a-z]{0,3}[~.][A-Za-z0-9_=-]{20,24}|\\PC{0,30}") {
            let keys = Keys::new([1; 32]);
            for offset in keys.open(&text) {
                prop_assert!(keys.seal(&offset) == text || offset.to_string() == text);
            }
        }
    }
}
