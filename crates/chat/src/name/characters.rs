//! Which characters names and topics may have: those that show, and that stand where they were written.
//!
//! A list by hand instead of a table of all categories: what is forbidden is little and rarely grows.

use unicode_normalization::char::is_combining_mark;
use unicode_script::UnicodeScript;

use crate::text::is_blank;

/// More marks on one letter than any script writes would paint over the lines around.
const MARKS_MAX: usize = 4;

/// Whether a name may contain it.
pub(super) fn is_allowed_in_name(c: char) -> bool {
    is_allowed_in_topic(c) && !is_joiner(c) && !is_enclosing(c)
}

/// Whether a topic may contain it: the same, and what joins emoji and the letters of some scripts.
pub(super) fn is_allowed_in_topic(c: char) -> bool {
    !c.is_control() && (is_joiner(c) || c == ' ' || !is_invisible(c)) && !is_no_character(c)
}

/// Whether there is something to see.
pub(super) fn shows_something(text: &str) -> bool {
    !text.chars().all(is_blank)
}

/// Whether something is piled up on a letter, or marks stand on nothing.
pub(super) fn marks_pile_up(text: &str) -> bool {
    let mut marks = MARKS_MAX;
    for c in text.chars() {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            return true;
        }
    }
    false
}

/// Whether a mark stands on something that it never stands on in writing: a sign, a digit, or a letter of another
/// script. Most fonts draw it so small, or so far away, that the name looks like the one without it.
pub(super) fn has_stray_mark(text: &str) -> bool {
    let mut base = None;
    text.chars().any(|c| {
        if !is_combining_mark(c) {
            base = Some(c);
            return false;
        }
        base.is_none_or(|base| {
            let scripts = base.script_extension().intersection(c.script_extension());
            !base.is_alphabetic() || scripts.is_empty()
        })
    })
}

/// What is drawn around the letter before it, and marks for signs.
fn is_enclosing(c: char) -> bool {
    matches!(c, '\u{488}' | '\u{489}' | '\u{1abe}' | '\u{20d0}'..='\u{20ff}' | '\u{a670}'..='\u{a672}')
}

/// Joiners and selectors of emoji.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

/// Everything that has no width, turns the direction, or looks like nothing; and signs that only mean something to the
/// ones behind them.
fn is_invisible(c: char) -> bool {
    is_blank(c)
        || matches!(c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1345f}')
}

/// What stands for no character, or for a different one in each font.
fn is_no_character(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..='\u{10ffff}' | '\u{fffc}'..='\u{fffd}')
        || u32::from(c) & 0xfffe == 0xfffe
}
