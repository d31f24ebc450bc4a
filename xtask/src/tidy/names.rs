//! Rules about names and doc comments that no lint checks, and about what is built in one place only.

use proc_macro2::{TokenStream, TokenTree};

use super::paths::{is_punct, is_test, is_word, item_length, trees, word};
use super::{Fault, Source};

/// A type with such a name hides the one that every reader knows. `Ok`, `Err` and `Future` are not here: traits ask for
/// associated types of these names.
const PRELUDE: [&str; 35] = [
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToString",
    "TryFrom",
    "Vec",
];
/// Words that this project used for what the field has a word for: a route, a tombstone, an account.
const PRIVATE: [&str; 7] = ["Farewell", "Grave", "Lane", "Seat", "Sides", "Space", "Void"];

pub(super) fn leave_the_prelude_alone(source: &Source) -> Vec<Fault> {
    types_called(source, &PRELUDE, "is a name of the standard library")
}

pub(super) fn are_words_of_the_field(source: &Source) -> Vec<Fault> {
    types_called(source, &PRIVATE, "is a private word: the field has a common one")
}

pub(super) fn plant_by_one_macro(source: &Source) -> Vec<Fault> {
    if source.path == "crates/planted/src/lib.rs" {
        return Vec::new();
    }
    let found = |window: &[TokenTree]| {
        is_word(window.first(), "macro_rules")
            && is_punct(window.get(1), '!')
            && is_word(window.get(2), "planted")
    };
    lines(source, 3, &found)
        .into_iter()
        .map(|(line, _)| source.fault(line, "the crate planted has this macro"))
        .collect()
}

/// A node is put together in one place, so that the simulation runs what the program runs.
pub(super) fn build_nodes_in_one_place(source: &Source) -> Vec<Fault> {
    let is_test = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
    if !source.path.starts_with("crates/tidings/src/")
        || source.path == "crates/tidings/src/node.rs"
        || is_test
    {
        return Vec::new();
    }
    let found = |window: &[TokenTree]| {
        let call = |of: &str, function: &str| is_word(window.first(), of) && is_word(window.get(3), function);
        is_punct(window.get(1), ':')
            && is_punct(window.get(2), ':')
            && (call("Feed", "new") || call("Server", "builder"))
    };
    lines(source, 4, &found)
        .into_iter()
        .map(|(line, _)| source.fault(line, "only node.rs puts a node together"))
        .collect()
}

pub(super) fn document_in_more_than_a_word(source: &Source) -> Vec<Fault> {
    if !source.has_extension(&["rs"]) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let is_doc = |line: Option<&&str>| line.is_some_and(|line| line.starts_with("///"));
    let is_short = |place: &usize| {
        let words = lines[*place].strip_prefix("/// ").map_or(0, |words| words.split_whitespace().count());
        words == 1 && !is_doc(lines.get(place + 1)) && !(*place > 0 && is_doc(lines.get(place - 1)))
    };
    let faults = (0..lines.len()).filter(is_short);
    faults
        .map(|place| source.fault(place + 1, "a doc comment of one word says no more than the name"))
        .collect()
}

fn types_called(source: &Source, names: &[&str], what: &str) -> Vec<Fault> {
    let found = |window: &[TokenTree]| {
        ["struct", "enum", "union", "trait", "type"].iter().any(|keyword| is_word(window.first(), keyword))
            && word(&window[1..]).is_some_and(|name| names.contains(&&*name))
    };
    let found = lines(source, 2, &found);
    found.into_iter().map(|(line, name)| source.fault(line, format!("{name} {what}"))).collect()
}

/// The lines where so many tokens are what is looked for, outside of tests, with the second of the tokens.
fn lines(source: &Source, length: usize, is_wanted: &dyn Fn(&[TokenTree]) -> bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if source.has_extension(&["rs"])
        && let Ok(tokens) = source.text.parse::<TokenStream>()
    {
        look(&trees(tokens), length, is_wanted, &mut found);
    }
    found
}

fn look(
    tokens: &[TokenTree],
    length: usize,
    is_wanted: &dyn Fn(&[TokenTree]) -> bool,
    found: &mut Vec<(usize, String)>,
) {
    let mut place = 0;
    while place < tokens.len() {
        let rest = &tokens[place..];
        if is_test(rest) {
            place += item_length(rest);
            continue;
        }
        if rest.len() >= length && is_wanted(&rest[..length]) {
            found.push((rest[0].span().start().line, rest[1].to_string()));
        }
        if let TokenTree::Group(group) = &rest[0] {
            look(&trees(group.stream()), length, is_wanted, found);
        }
        place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(check: fn(&Source) -> Vec<Fault>, path: &str, text: &str) -> Vec<usize> {
        check(&Source { path: path.into(), text: text.into() }).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_type_called_like_one_of_the_prelude_is_found() {
        let text = "enum A {}\nenum From { Device }\nmod a {\n    pub(crate) struct Option<A>(A);\n}\ntype Result = u8;\n";
        assert_eq!(lines_of(leave_the_prelude_alone, "a.rs", text), [2, 4, 6]);
        let others = "struct FromClient; impl From<A> for B { type Error = u8; } // enum From\nconst A: &str = \"enum From\";";
        assert_eq!(lines_of(leave_the_prelude_alone, "a.rs", others), [0; 0]);
    }

    #[test]
    fn a_private_word_as_the_name_of_a_type_is_found() {
        let text = "struct Lane;\nfn a(lane: u8) {}\nenum Grave {}\nstruct SpaceId;\n";
        assert_eq!(lines_of(are_words_of_the_field, "a.rs", text), [1, 3]);
    }

    #[test]
    fn a_second_macro_that_plants_is_found() {
        let text = "\nmod a { macro_rules! planted { () => {} } }\nplanted::planted! {}";
        assert_eq!(lines_of(plant_by_one_macro, "crates/chat/src/planted.rs", text), [2]);
        assert_eq!(lines_of(plant_by_one_macro, "crates/planted/src/lib.rs", text), [0; 0]);
    }

    #[test]
    fn a_node_that_is_built_elsewhere_is_found() {
        let text =
            "fn a() {\n    let feed = socketio_server::Feed::new(b);\n    Server::builder().build()\n}\n";
        assert_eq!(lines_of(build_nodes_in_one_place, "crates/tidings/src/serve.rs", text), [2, 3]);
        for path in ["crates/tidings/src/node.rs", "crates/tidings/src/v1/tests.rs", "crates/a/src/a.rs"] {
            assert_eq!(lines_of(build_nodes_in_one_place, path, text), [0; 0]);
        }
        let in_tests = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert_eq!(lines_of(build_nodes_in_one_place, "crates/tidings/src/serve.rs", &in_tests), [0; 0]);
    }

    #[test]
    fn a_doc_comment_of_one_word_is_found() {
        let text = "/// Who.\nwho: u8,\n/// Who\n/// did it.\nby: u8,\n    /// Where.\n    at: u8,\n/// See\nlet a = 1;\n";
        assert_eq!(lines_of(document_in_more_than_a_word, "a.rs", text), [1, 6, 8]);
        assert_eq!(lines_of(document_in_more_than_a_word, "a.md", text), [0; 0]);
    }
}
