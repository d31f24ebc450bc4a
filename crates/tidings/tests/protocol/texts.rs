//! docs/text.json: which texts a message may have, for the server and for every client that wants to know before.

use chat::Text;
use serde::Deserialize;

const RULES: &str = include_str!("../../../../docs/text.json");

#[derive(Deserialize)]
struct Rules {
    /// Ranges of code points, in hex.
    blank: Vec<[String; 2]>,
    texts: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    sent: String,
    text: Option<String>,
    code: Option<String>,
}

fn rules() -> Rules {
    serde_json::from_str(RULES).unwrap()
}

#[test]
fn a_text_is_empty_if_all_its_characters_are_listed_as_blank() {
    let number = |hex: &String| u32::from_str_radix(hex, 16).unwrap();
    let ranges: Vec<_> = rules().blank.iter().map(|[first, last]| number(first)..=number(last)).collect();
    for c in '\0'..=char::MAX {
        let is_listed = ranges.iter().any(|range| range.contains(&u32::from(c)));
        let is_empty = Text::parse(&c.to_string()).is_err_and(|error| error.code() == "empty");
        assert_eq!(is_empty, is_listed, "{:04x}", u32::from(c));
    }
}

#[test]
fn texts_are_taken_as_the_document_says() {
    let texts = rules().texts;
    assert!(texts.len() > 20);
    for Example { sent, text, code } in texts {
        let taken = Text::parse(&sent);
        let taken = taken.as_deref().map_err(|error| error.code());
        assert_eq!(taken, text.as_deref().ok_or(code.as_deref().unwrap_or("")), "{sent:?}");
    }
}
