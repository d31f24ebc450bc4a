//! Replaces lone surrogates in JSON escapes, such as `"\ud83d"`, by U+FFFD.
//!
//! JavaScript strings are UTF-16, so a client that cuts a text in the middle of an emoji sends half of a pair. Node
//! delivers it as it is; Rust strings cannot hold it, and a browser shows U+FFFD instead anyway. The escape of U+FFFD
//! has the same length, so no position in a body changes. Whether the JSON is valid is checked afterwards.

/// The length of an escape such as `\ud83d`, in bytes.
const ESCAPE_BYTES: usize = 6;

const REPLACEMENT: &str = "\\ufffd";

/// The body without lone surrogates; `None` if it has none. A body without a backslash is quickly found to have none.
pub(crate) fn mended(json: &str) -> Option<String> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = json.find('\\')?;
    loop {
        let length = match unit(json, at) {
            Some(0xd800..=0xdbff) if matches!(unit(json, at + ESCAPE_BYTES), Some(0xdc00..=0xdfff)) => {
                2 * ESCAPE_BYTES
            }
            Some(0xd800..=0xdfff) => {
                mended.reserve(if copied == 0 { json.len() } else { 0 });
                mended.push_str(json.get(copied..at)?);
                mended.push_str(REPLACEMENT);
                copied = at + ESCAPE_BYTES;
                ESCAPE_BYTES
            }
            // The escaped character may be a backslash.
            Some(_) | None => 2,
        };
        match json.as_bytes().get(at + length..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\'))
        {
            Some(next) => at += length + next,
            None => break,
        }
    }
    mended.push_str(json.get(copied..)?);
    (copied > 0).then_some(mended)
}

/// The code unit of the escape at this place.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE_BYTES)?.strip_prefix("\\u")?;
    // The number parser would accept a sign.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_of_pairs_become_the_replacement_character() {
        for (json, expected) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uDE00x\ud83d""#, r#""\ufffdx\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#"["é\ud800","\n"]"#, r#"["é\ufffd","\n"]"#),
            (r#""\ud83d\\ude00""#, r#""\ufffd\\ude00""#),
        ] {
            assert_eq!(mended(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn whole_characters_and_escaped_backslashes_stay() {
        for json in [
            r#""\ud83d\ude00""#,
            r#""\\ud83d""#,
            r#""\u00e9\n""#,
            "[]",
            r#""\ud8"#,
            r#""\u+83d""#,
            "\\é",
            "\\",
        ] {
            assert_eq!(mended(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn mended_json_reads_as_its_utf_16_with_lone_surrogates_replaced(
            units in proptest::collection::vec(prop_oneof![0x20_u16..0x7f, 0xd7f0_u16..0xe010, any::<u16>()], 0..12),
            escaped in proptest::collection::vec(any::<bool>(), 12),
        ) {
            let spelled = units.iter().zip(escaped).map(|(unit, escaped)| match char::from_u32((*unit).into()) {
                Some(character) if !escaped && !character.is_control() && !matches!(character, '"' | '\\') => character.to_string(),
                Some(_) | None => format!("\\u{unit:04x}"),
            });
            let json = format!("\"{}\"", spelled.collect::<String>());
            let read: String = serde_json::from_str(mended(&json).as_deref().unwrap_or(&json)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn any_text_is_taken(text in "(\\\\|u|d8|dc|[0-9a-f]|é){0,30}") {
            if let Some(mended) = mended(&text) {
                prop_assert_eq!(mended.len(), text.len());
            }
        }
    }
}
