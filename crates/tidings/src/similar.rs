//! [`similar`]: which of the known words somebody has probably meant.
//!
//! For the names of options, limits and variables, which are short and few.

/// More than two slips make another word.
const SLIPS_MAX: usize = 2;

/// The known word that is most like another, if one has no more than two letters that are wrong, missing or too many.
pub fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = |name: &str| strsim::levenshtein(word, name);
    let closest = known.into_iter().min_by_key(|name| slips(name))?;
    (slips(closest) <= SLIPS_MAX).then_some(closest)
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
}
