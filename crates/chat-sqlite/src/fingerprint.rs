//! The integers by which client keys are indexed.
//!
//! An index over the keys themselves would write one scattered page for each message, which costs more than the rest of
//! an insert. But clients count: a key is a stem of the client and a number. So the upper half is a hash of the stem
//! and the lower half is the number, and consecutive keys of one sender are next to each other. Two keys may have the
//! same fingerprint, so a look-up compares the keys. The seed is secret and belongs to the database, so nobody can
//! construct keys that share one.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::number::bits_to_sql;

/// Makes the fingerprints of one database.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprint {
    seed: u64,
}

impl Fingerprint {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(crate) fn of(self, key: &str) -> i64 {
        let counted = key.rsplit_once('-').and_then(|(stem, number)| Some((stem, counter(number)?)));
        let hash = xxh3_64_with_seed(counted.map_or(key, |(stem, _)| stem).as_bytes(), self.seed);
        match counted {
            Some((_, number)) => bits_to_sql(hash & !u64::from(u32::MAX) | u64::from(number)),
            None => bits_to_sql(hash),
        }
    }
}

fn counter(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_one_sender_follow_one_another() {
        let prints = Fingerprint::new(42);
        let first = prints.of("Qx7d_-ZZ-0");
        assert_eq!(prints.of("Qx7d_-ZZ-1"), first + 1);
        assert_eq!(prints.of("Qx7d_-ZZ-4294967295"), first + i64::from(u32::MAX));
        assert_ne!(prints.of("Qx7d_-ZY-1"), first + 1);
    }

    #[test]
    fn a_key_without_a_number_has_a_fingerprint_too() {
        let prints = Fingerprint::new(42);
        let keys = ["", "-", "a", "a-", "a-x", "a-4294967296", "2a6e8f4c-93d1", "a-+1"];
        let all: std::collections::HashSet<_> = keys.iter().map(|key| prints.of(key)).collect();
        assert_eq!(all.len(), keys.len());
        assert_ne!(prints.of("a"), Fingerprint::new(43).of("a"));
    }
}
