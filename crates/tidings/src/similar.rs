//! [`similar`]: which of the known words somebody has probably meant.
//!
//! For the names of options, limits and variables, which are short and few.

/// More than two slips make another word.
const SLIPS_MAX: usize = 2;

/// The known word that is most like another, if one has no more than two letters that are wrong, missing or too many.
pub fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = |name: &str| slips(word.as_bytes(), name.as_bytes());
    let closest = known.into_iter().min_by_key(|name| slips(name))?;
    (slips(closest) <= SLIPS_MAX).then_some(closest)
}

/// The Levenshtein distance.
fn slips(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (number, byte) in from.iter().enumerate() {
        let mut before = number;
        let mut left = number + 1;
        row[0] = left;
        for (wanted, cell) in to.iter().zip(&mut row[1..]) {
            let changed = before + usize::from(byte != wanted);
            before = *cell;
            left = changed.min(before + 1).min(left + 1);
            *cell = left;
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_slip_or_two_is_recognised_and_another_is_not() {
        let known = ["TIDINGS_HOST", "TIDINGS_HSTS", "TIDINGS_LISTEN", ""];
        for (word, meant) in [
            ("TIDINGS_HSOT", Some("TIDINGS_HOST")),
            ("TIDINGS_HOSTS", Some("TIDINGS_HOST")),
            ("TIDINGS_LISTN", Some("TIDINGS_LISTEN")),
            ("TIDINGS_BIN", None),
            ("a", Some("")),
        ] {
            assert_eq!(similar(word, known), meant, "{word}");
        }
        assert_eq!(similar("a", []), None);
    }

    #[test]
    fn slips_are_letters_that_are_wrong_missing_or_too_many() {
        for (from, to, count) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2), ("abc", "abc", 0)]
        {
            assert_eq!(slips(from.as_bytes(), to.as_bytes()), count, "{from} {to}");
            assert_eq!(slips(to.as_bytes(), from.as_bytes()), count, "{to} {from}");
        }
    }
}
