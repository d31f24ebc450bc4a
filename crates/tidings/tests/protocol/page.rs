//! The page names every example, and every example that it names is there; so do the tables of permissions.

use std::collections::BTreeSet;

use tidings::v1::names::{TYPING, TYPING_STOPPED, UNKNOWN, WELCOME};

use crate::golden::{Direction, all, docs, going};

#[test]
fn the_page_and_the_examples_name_each_other() {
    let page = std::fs::read_to_string(docs().join("protocol.md")).unwrap();
    let named: BTreeSet<String> = page
        .split("(protocol/")
        .skip(1)
        .filter_map(|rest| rest.split_once(".json)"))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(named, all().into_keys().collect());
}

#[test]
fn every_event_has_one_argument_and_every_answer_is_one_object() {
    for (name, golden) in all() {
        assert_eq!(golden.args.len(), 1, "{name}");
        assert!(golden.args[0].is_object(), "{name}");
        let ack = golden.ack.unwrap_or_default();
        assert!(ack.len() <= 1 && ack.iter().all(|answer| answer["ok"].is_boolean()), "{name}");
    }
}

/// The end-to-end test of that page does what its rows say, and nothing else.
#[test]
fn every_event_has_a_row_in_the_tables_of_permissions() {
    let page = std::fs::read_to_string(docs().join("permissions.md")).unwrap();
    let (deeds, events) = page.split_once("## Who gets which event").unwrap();
    let has_row =
        |part: &str, event: &str| part.lines().any(|line| line.starts_with(&format!("| `{event}`")));
    let of_rooms: Vec<&str> = deeds.split("\n## ").skip(2).collect();
    assert_eq!(of_rooms.len(), 4, "the lobby and three kinds of rooms");
    for (_, golden) in going(Direction::Up) {
        let event = &*golden.event;
        if ["connect", TYPING, TYPING_STOPPED].contains(&event) {
            continue;
        }
        assert!(has_row(deeds, event), "docs/permissions.md does not say who may `{event}`");
        if golden.args[0].get("room").is_some() {
            let missing = of_rooms.iter().find(|part| !has_row(part, event));
            assert_eq!(missing, None, "docs/permissions.md does not say who may `{event}` there");
        }
    }
    for (_, golden) in going(Direction::Down) {
        let event = &*golden.event;
        // Of the last, no client is the cause.
        if ["connect_error", WELCOME, UNKNOWN].contains(&event) {
            continue;
        }
        assert!(has_row(events, event), "docs/permissions.md does not say who gets `{event}`");
    }
}
