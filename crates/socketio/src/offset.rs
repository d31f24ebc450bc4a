//! A position in a log, as clients store it.
//!
//! The open text is `log.epoch.position`, each in base 36: it is short, and clients never mistake it for a number or a word.
//! Every offset has exactly one text, so texts may be compared instead. The owner of the log knows whether the position
//! exists. Clients get the sealed text: see [`Keys::seal`](crate::Keys::seal).

use std::fmt;
use std::str::FromStr;

/// A position in a log: its client has seen everything up to and including `position`.
///
/// ```
/// use socketio::Offset;
///
/// let offset = Offset { log: 1, epoch: 36, position: 4711 };
/// assert_eq!(offset.to_string(), "1.10.3mv");
/// assert_eq!("1.10.3mv".parse(), Ok(offset));
/// assert!("1.10.03mv".parse::<Offset>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offset {
    /// The number of the log.
    pub log: u64,
    /// The epoch. Every start of a server begins a new one.
    pub epoch: u64,
    /// The position in the log: 1, 2, 3 …, without gaps; 0 is before the first entry.
    pub position: u64,
}

/// A text that is not an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an offset is three numbers in lower-case base 36, joined by dots")]
pub struct OffsetError;

/// The number of digits of `u64::MAX` in base 36.
const DIGITS_MAX: usize = 13;

impl Offset {
    /// The length of the longest offset, in bytes.
    pub const TEXT_BYTES_MAX: usize = 3 * DIGITS_MAX + 2;
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", Base36(self.log), Base36(self.epoch), Base36(self.position))
    }
}

impl FromStr for Offset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('.').map(parse_base36);
        let mut part = || parts.next().flatten().ok_or(OffsetError);
        let offset = Self { log: part()?, epoch: part()?, position: part()? };
        if parts.next().is_some() { Err(OffsetError) } else { Ok(offset) }
    }
}

/// A number that displays in base 36.
pub(crate) struct Base36(pub(crate) u64);

impl fmt::Display for Base36 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = ['0'; DIGITS_MAX];
        let mut used = 0;
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            let digit = u32::try_from(rest % 36).ok().and_then(|digit| char::from_digit(digit, 36));
            *place = digit.expect("a remainder of 36 is a digit of base 36");
            used += 1;
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        text.iter().skip(DIGITS_MAX - used).try_for_each(|digit| fmt::Write::write_char(f, *digit))
    }
}

/// Stricter than `u64::from_str_radix`: no sign, no capitals, no leading zeros.
pub(crate) fn parse_base36(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'));
    let canonical = text == "0" || !text.starts_with('0');
    if !digits || !canonical || text.len() > DIGITS_MAX {
        return None;
    }
    u64::from_str_radix(text, 36).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_offset_fits_its_bound() {
        let largest = Offset { log: u64::MAX, epoch: u64::MAX, position: u64::MAX };
        assert_eq!(largest.to_string(), "3w5e11264sgsf.3w5e11264sgsf.3w5e11264sgsf");
        assert_eq!(largest.to_string().len(), Offset::TEXT_BYTES_MAX);
        assert_eq!(largest.to_string().parse(), Ok(largest));
    }

    #[test]
    fn an_offset_has_no_other_spelling() {
        let texts = [
            "",
            ".",
            "..",
            "1",
            "1.2",
            "1.2.",
            "1.2.3.",
            "1.2.3.4",
            "+1.2.3",
            "-1.2.3",
            "1.2.A",
            "01.2.3",
            "1.00.3",
            " 1.2.3",
            "1.2.3\n",
            "1.2.3w5e11264sgsg",
            "1.2.00000000000003",
            "1..3",
            "1.2.é",
        ];
        for text in texts {
            assert_eq!(text.parse::<Offset>(), Err(OffsetError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_offset_survives_its_text(log: u64, epoch: u64, position: u64) {
            let offset = Offset { log, epoch, position };
            prop_assert_eq!(offset.to_string().parse(), Ok(offset));
        }

        #[test]
        fn an_offset_that_parses_is_written_the_same(text in "[0-9a-zA-Z.+]{0,20}|\\PC{0,9}") {
            if let Ok(offset) = text.parse::<Offset>() {
                prop_assert_eq!(offset.to_string(), text);
            }
        }
    }
}
