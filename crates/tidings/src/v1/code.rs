//! Codes that people read out, type and click: 80 bits in four groups of base 32.
//!
//! Crockford's alphabet has no letter that looks like a digit; such a letter is read as the digit. Whether a code is
//! secret, and for how long, is its owner's business; `Debug` never shows one.

use std::fmt;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BYTES: usize = 10;
const CHARS: usize = 16;
const GROUP: usize = 4;

/// A code such as `7K2Q-9XWM-3TVC-0H5R`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code([u8; BYTES]);

impl Code {
    /// The code of these bytes.
    pub const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Reads what somebody typed, with or without its dashes, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        // With dashes it is 19 characters long; what is longer is not worth reading.
        if text.len() > 2 * CHARS {
            return None;
        }
        let mut number = 0_u128;
        let mut count = 0;
        for char in text.chars().filter(|char| !matches!(char, '-' | ' ')) {
            number = number << 5 | u128::from(digit(char)?);
            count += 1;
        }
        if count != CHARS {
            return None;
        }
        let [_, _, _, _, _, _, bytes @ ..] = number.to_be_bytes();
        Some(Self(bytes))
    }
}

fn digit(char: char) -> Option<u8> {
    let char = match char.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let index = ALPHABET.iter().position(|known| char == char::from(*known))?;
    u8::try_from(index).ok()
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        for place in 0..CHARS {
            if place > 0 && place % GROUP == 0 {
                f.write_str("-")?;
            }
            let five = usize::try_from(number >> (5 * (CHARS - 1 - place)) & 31).unwrap_or_default();
            let char = ALPHABET.get(five).copied().unwrap_or_default();
            fmt::Write::write_char(f, char::from(char))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_written() {
        for bytes in [[0; BYTES], [255; BYTES], *b"0123456789"] {
            let code = Code::from_bytes(bytes);
            assert_eq!(code.to_string().len(), CHARS + 3);
            assert_eq!(Code::parse(&code.to_string()), Some(code));
        }
    }

    #[test]
    fn look_alikes_are_read_as_what_they_look_like() {
        assert_eq!(Code::parse("oil0-OIL1-0000-0000"), Code::parse("0110-0111-0000-0000"));
    }

    #[test]
    fn other_texts_are_no_codes() {
        for text in ["", "0000", "0000-0000-0000-000U", "0000-0000-0000-00000", "ä", &"0".repeat(1000)] {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }
}
