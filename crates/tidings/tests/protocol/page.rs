//! The page names every example, and every example that it names is there.

use std::collections::BTreeSet;

use crate::golden::{all, docs};

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
