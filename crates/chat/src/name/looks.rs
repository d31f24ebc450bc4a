//! [`Skeleton`]: what a name looks like.
//!
//! Based on the skeletons of UTS 39, section 4. These compare letters as they were written, so letters in circles, full
//! width or other clothes become plain ones first (NFKC and a short table), and marks that are easily overlooked are left
//! out. The name of a person is compared by its letters and digits alone: a sign beside it is a claim about the same
//! person. Rooms keep their signs, because `c` and `c++` are different subjects.

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// What a name looks like. Names that share one could be taken for each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Skeleton(Arc<str>);

impl Skeleton {
    /// What the name of a person looks like.
    pub(super) fn of_person(name: &str) -> [Self; 2] {
        let plain = plain(name);
        let letters = letters(&plain);
        // A name may consist of signs alone.
        Self::both_of(if letters.is_empty() { &plain } else { &letters })
    }

    /// What the name of a room looks like.
    pub(super) fn of_room(name: &str) -> [Self; 2] {
        Self::both_of(&plain(name))
    }

    /// Letters are folded before they are compared by their looks and after: `ALICE` is `alice`, and `AIice` with a
    /// capital I looks like it.
    fn both_of(plain: &str) -> [Self; 2] {
        let [folded, looks] = readings(plain);
        [Self(folded.into()), Self(looks.into())]
    }
}

/// What plain letters look like, folded before they are compared by their looks, and after. After that, they are compared
/// once more: a Cyrillic `М` becomes an `M`, that an `m`, and an `m` looks like `rn`.
pub(super) fn readings(plain: &str) -> [String; 2] {
    let looks = |text: &str| skeleton(text).collect::<String>();
    [looks(&fold(plain)), looks(&fold(&looks(plain)))].map(|reading| without_small_marks(&reading))
}

/// A name in plain letters, without marks that are easily overlooked.
pub(super) fn plain(name: &str) -> String {
    let unclothed: String = name.chars().map(unclothe).nfkc().collect();
    without_small_marks(&unclothed)
}

/// The letters and digits of a name, its words with single spaces between them.
pub(super) fn letters(plain: &str) -> String {
    let decomposed: String =
        plain.nfd().map(|c| if c.is_alphanumeric() || is_mark(c) { c } else { ' ' }).collect();
    decomposed.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The lower case of a text, by way of its upper case, so that `ß` and `SS` meet.
pub(super) fn fold(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn without_small_marks(text: &str) -> String {
    text.nfd().filter(|c| !is_small_mark(*c)).nfc().collect()
}

/// Dots, hooks and lines at the foot of a letter or above it, and the vowel signs that Arabic and Hebrew mostly go
/// without.
fn is_small_mark(c: char) -> bool {
    matches!(c,
        '\u{307}' | '\u{30d}' | '\u{312}'..='\u{31a}' | '\u{31c}'..='\u{333}' | '\u{339}'..='\u{33c}'
        | '\u{345}'..='\u{349}' | '\u{34d}' | '\u{34e}' | '\u{353}'..='\u{356}' | '\u{358}'..='\u{35a}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{652}' | '\u{656}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}')
}

/// The plain letter for those in black circles and squares, those of flags, and small capitals: NFKC knows only the white
/// ones. It takes the sign of a trademark for letters.
fn unclothe(c: char) -> char {
    let letter = match u32::from(c) {
        code @ 0x1f150..=0x1f169 => code - 0x1f150,
        code @ 0x1f170..=0x1f189 => code - 0x1f170,
        code @ 0x1f1e6..=0x1f1ff => code - 0x1f1e6,
        0x2120 | 0x2122 => return ' ',
        _ => return small_capital(c),
    };
    char::from(b'A' + u8::try_from(letter).expect("26 letters"))
}

fn small_capital(c: char) -> char {
    const SMALL: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ";
    const PLAIN: &str = "abcdefghijklmnopqrstuvwyz";
    SMALL.chars().zip(PLAIN.chars()).find_map(|(small, plain)| (small == c).then_some(plain)).unwrap_or(c)
}
