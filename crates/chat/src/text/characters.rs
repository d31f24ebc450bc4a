//! Which characters of a text show nothing, and which ones are not taken as they are.
//!
//! `docs/text.json` has both lists too. The tests of the server and of the web app read it, and every client can apply
//! the same rules before sending.

/// Whether it shows nothing, wherever it stands: white space, control characters, and what has neither width nor ink.
///
/// A hand-made list instead of a Unicode property, so that every client can have exactly the same.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c,
        '\0'..=' ' | '\u{7f}'..='\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{1680}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What stands in a message for what it must not contain.
const REPLACEMENT: char = '\u{fffd}';

/// The text as everybody gets it: every line break is `\n`, and what a terminal would obey or what turns the text behind
/// it around is U+FFFD. `None` if it is as it was sent.
pub(super) fn cleaned(sent: &str) -> Option<String> {
    if sent.chars().all(|c| taken(c) == Some(c)) {
        return None;
    }
    let sent = sent.replace("\r\n", "\n");
    Some(sent.chars().map(|c| taken(c).unwrap_or(REPLACEMENT)).collect())
}

fn taken(c: char) -> Option<char> {
    match c {
        '\n' | '\t' => Some(c),
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' => Some('\n'),
        '\u{202d}' | '\u{202e}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_white_space_and_all_control_characters_are_blank() {
        for c in '\0'..=char::MAX {
            assert!(is_blank(c) || !(c.is_whitespace() || c.is_control()), "{:04x}", u32::from(c));
        }
    }

    #[test]
    fn a_cleaned_text_is_clean() {
        for c in '\0'..=char::MAX {
            let Some(shown) = cleaned(&c.to_string()) else { continue };
            assert_eq!(cleaned(&shown), None, "{:04x}", u32::from(c));
            assert!(shown == "\n" || shown == "\u{fffd}", "{:04x}", u32::from(c));
        }
    }
}
