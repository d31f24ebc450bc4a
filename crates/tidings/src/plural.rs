//! Counts in the lines that commands print: "1 message", "2 messages".

/// A number and its noun.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    match noun.strip_suffix("ry") {
        _ if count == 1 => format!("1 {noun}"),
        Some(stem) => format!("{count} {stem}ries"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "fault")), ["0 faults", "1 fault", "2 faults"]);
        assert_eq!([1, 2].map(|count| counted(count, "entry")), ["1 entry", "2 entries"]);
    }
}
