//! Base64 as clients write it: read as Node's `Buffer.from(text, "base64")` reads it.
//!
//! Clients differ in what they send. socket.io-client-java adds a line break; others wrap lines, leave out the padding
//! or use the URL alphabet. A reader that rejected any of these would end the session of a client that works with every
//! other server. So decoding never fails: it skips characters of neither alphabet, ends at the first `=`, and drops
//! bits that make no whole byte. The result is never larger than the text.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Reads text without padding, whatever its last bits are.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn encode(data: &[u8], out: &mut String) {
    STANDARD.encode_string(data, out);
}

/// Nearly all text is in the standard form and is decoded at once; only other text is copied first.
pub(super) fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_else(|_| decode_leniently(text))
}

fn decode_leniently(text: &str) -> Vec<u8> {
    let content = text.split_once('=').map_or(text, |(content, _)| content);
    let mut characters: Vec<u8> = content.bytes().filter_map(standard).collect();
    if characters.len() % 4 == 1 {
        // Six bits alone are no byte.
        characters.pop();
    }
    LENIENT.decode(characters).expect("characters of the alphabet, not one more than whole bytes need")
}

/// The character of the standard alphabet with the same meaning; `None` for a character to skip.
fn standard(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Some(byte),
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_of_every_client_is_read_as_node_reads_it() {
        let texts: [(&str, &[u8]); 22] = [
            ("", b""),
            ("YWJj", b"abc"),
            ("YWJj\n", b"abc"),
            ("YWJj\r\nYWJj\r\n", b"abcabc"),
            (" Y W\tJj", b"abc"),
            ("YQ==", b"a"),
            ("YQ", b"a"),
            ("YQ=", b"a"),
            ("YQ===", b"a"),
            ("YWI", b"ab"),
            ("YWK=", b"ab"),
            ("YR==", b"a"),
            ("YW-_", b"ao\xbf"),
            ("YW+/", b"ao\xbf"),
            ("Y", b""),
            ("YWJjY", b"abc"),
            ("YQ==YQ==", b"a"),
            ("=YQ", b""),
            ("YWJjYQ=\n=", b"abca"),
            ("Y!Q=", b"a"),
            ("YQé==", b"a"),
            ("\u{1}YWJj\u{7f}", b"abc"),
        ];
        for (text, bytes) in texts {
            assert_eq!(decode(text), bytes, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[A-Za-z0-9+/=_\\- \n*é]{0,40}|\\PC{0,20}") {
            let bytes = decode(&text);
            prop_assert!(bytes.len() <= text.len() / 4 * 3 + 2);
        }

        #[test]
        fn bytes_survive_wrapping_and_the_other_alphabet(
            data in proptest::collection::vec(any::<u8>(), 0..200),
            width in 1_usize..80,
        ) {
            let mut text = String::new();
            encode(&data, &mut text);
            let characters: Vec<char> = text.replace('+', "-").replace('/', "_").chars().collect();
            let lines: Vec<String> = characters.chunks(width).map(|line| line.iter().collect()).collect();
            prop_assert_eq!(decode(&lines.join("\r\n")), data);
        }
    }
}
