//! Names as people type them, and as people type them who want to be taken for others.

mod impostors;

use super::*;

fn shares_a_skeleton(one: &str, other: &str) -> bool {
    let (one, other) = (Nickname::from_stored(one).skeletons(), Nickname::from_stored(other).skeletons());
    one.iter().any(|skeleton| other.contains(skeleton))
}

#[test]
fn a_name_has_one_written_form() {
    for (typed, name) in [
        ("ada", "ada"),
        ("  ada  ", "ada"),
        ("ada \u{a0}\u{3000}\tlovelace", "ada lovelace"),
        ("e\u{301}mile", "émile"),
        ("ada 👑", "ada 👑"),
        ("أحمد", "أحمد"),
    ] {
        assert_eq!(Nickname::parse(typed).as_deref(), Ok(name), "{typed:?}");
    }
}

#[test]
fn nothing_invisible_is_a_name() {
    for typed in [
        "",
        " ",
        "\u{200b}",
        "a\u{200d}b",
        "ada\n",
        "a\u{202e}da",
        "a\u{2066}da",
        "\u{feff}ada",
        "a\u{ad}da",
        "\0",
        "a\u{85}b",
        "\u{3164}",
        "\u{e000}",
        "\u{e0061}",
        "a\u{fe0f}",
        "\u{301}ada",
        "a\u{334}\u{335}\u{336}\u{337}\u{338}",
    ] {
        assert_eq!(Nickname::parse(typed), Err(NameError::Invalid), "{typed:?}");
    }
    assert_eq!(RoomName::parse("a\u{2028}b"), Err(NameError::Invalid));
}

#[test]
fn names_are_bounded_in_characters() {
    assert!(Nickname::parse(&"ä".repeat(32)).is_ok());
    assert_eq!(Nickname::parse(&"ä".repeat(33)), Err(NameError::Invalid));
    assert_eq!(Nickname::parse(&"x".repeat(1 << 20)), Err(NameError::Invalid));
    assert!(RoomName::parse(&"ä".repeat(64)).is_ok());
    assert_eq!(RoomName::parse(&"ä".repeat(65)), Err(NameError::Invalid));
    assert!(Topic::parse(&"👑".repeat(256)).is_ok());
    assert_eq!(Topic::parse(&"x".repeat(257)), Err(TopicError::TooLarge));
}

/// Whatever is longer than that is not looked at closer, so that a long one costs nothing.
#[test]
fn white_space_around_a_name_or_a_topic_may_be_so_long() {
    let padded = |text: &str, bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert_eq!(Nickname::parse(&padded("ada", 32 * 4 * 4)).as_deref(), Ok("ada"));
    assert_eq!(Nickname::parse(&padded("ada", 32 * 4 * 4 + 1)), Err(NameError::Invalid));
    assert_eq!(RoomName::parse(&padded("garden", 64 * 4 * 4)).as_deref(), Ok("garden"));
    assert_eq!(RoomName::parse(&padded("garden", 64 * 4 * 4 + 1)), Err(NameError::Invalid));
    assert_eq!(Topic::parse(&padded("tea", 256 * 4 * 2)).as_deref(), Ok("tea"));
    assert_eq!(Topic::parse(&padded("tea", 256 * 4 * 2 + 1)), Err(TopicError::TooLarge));
}

#[test]
fn names_that_look_alike_share_a_skeleton() {
    for alike in ["ada", "ADA", "аdа", "Ada", "ａｄａ"] {
        let alike = &*Nickname::parse(alike).unwrap();
        assert!(shares_a_skeleton(alike, "ada"), "{alike:?}");
    }
    assert!(shares_a_skeleton("Alice", "AIice"));
    assert!(shares_a_skeleton("ALICE", "alice"));
    assert!(shares_a_skeleton("STRASSE", "straße"));
    assert!(!shares_a_skeleton("ada", "adam"));
    assert!(!shares_a_skeleton("bob", "cleo"));
}

#[test]
fn names_that_people_would_trust_are_reserved() {
    for typed in [
        "admin",
        "ADMIN",
        "аdmin",
        "rnod",
        "r00t",
        "Guest",
        "guest-4f2a",
        "guest-",
        "ｓｙｓｔｅｍ",
        "tidings",
    ] {
        assert_eq!(Nickname::parse(typed), Err(NameError::Reserved), "{typed:?}");
    }
    assert!(Nickname::parse("guesthouse").is_ok());
    assert!(RoomName::parse("support").is_ok());
}

#[test]
fn a_topic_is_one_line_and_may_be_empty() {
    assert_eq!(Topic::parse("").as_deref(), Ok(""));
    assert_eq!(Topic::parse(" a  b ").as_deref(), Ok("a b"));
    assert!(Topic::parse("👩‍👩‍👧 ❤️").is_ok());
    assert_eq!(Topic::parse(" \u{a0} ").as_deref(), Ok(""));
    for blank in ["\u{200d}", "\u{fe0f} \u{200c}", "\u{200b}", "\u{3164}", "\u{1d159}", "\u{2800}"] {
        assert_eq!(Topic::parse(blank), Err(TopicError::Invalid), "{blank:?}");
        assert_eq!(RoomName::parse(blank), Err(NameError::Invalid), "{blank:?}");
        assert_eq!(Nickname::parse(blank), Err(NameError::Invalid), "{blank:?}");
    }
    assert_eq!(Topic::parse("a\nb"), Err(TopicError::Invalid));
    assert_eq!(Topic::parse("a\u{202e}b"), Err(TopicError::Invalid));
}
