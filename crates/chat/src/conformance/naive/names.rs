//! The names of the histories, and which of them look alike: written down by hand, not computed.

/// Each name with the looks that it has. Two names that share one look alike. `AIice` has a capital I in the place of an l, so
/// it looks like `alice`, and in small letters it is `aiice`; these two do not look alike.
const NAMES: [(&str, &[&str]); 13] = [
    ("ada", &["ada"]),
    ("Ada", &["ada"]),
    // With a Cyrillic letter.
    ("\u{430}da", &["ada"]),
    ("bob", &["bob"]),
    ("BOB", &["bob"]),
    ("alice", &["alice"]),
    ("AIice", &["alice", "aiice"]),
    ("aiice", &["aiice"]),
    ("cleo", &["cleo"]),
    ("garden", &["garden"]),
    ("g\u{430}rden", &["garden"]),
    ("Lobby", &["lobby"]),
    ("lobby", &["lobby"]),
];

/// The names of the histories.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().map(|(name, _)| name)
}

/// Whether two of them could be taken for each other.
pub(super) fn look_alike(one: &str, other: &str) -> bool {
    looks(one).iter().any(|look| looks(other).contains(look))
}

fn looks(name: &str) -> &'static [&'static str] {
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found.expect("every name of a history is in the table").1
}
