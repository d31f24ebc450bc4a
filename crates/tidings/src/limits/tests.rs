//! The table against its page, and each limit against the setting that it changes.

use super::*;

#[test]
fn the_page_has_the_table() {
    let page = include_str!("../../../../docs/limits.md");
    let table = table(&Bounds::default());
    for line in table.lines() {
        assert!(page.contains(line), "docs/limits.md lacks: {line}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, ALL.len(), "docs/limits.md has rows that the table lacks");
}

#[test]
fn every_limit_has_a_name_of_its_own_and_can_be_changed_alone() {
    for limit in ALL {
        assert_eq!(ALL.iter().filter(|other| other.name == limit.name).count(), 1, "{limit:?}");
        let other = match limit.value(&Bounds::default()) {
            Value::Count(_) => "7",
            Value::Rate(_) | Value::Guesses(_) => "7/8",
            Value::Quota(_) => "7/hour",
            Value::Watermark(_) => "7/8/9",
        };
        let mut bounds = Bounds::default();
        format!("{}={other}", limit.name).parse::<Change>().unwrap().apply(&mut bounds);
        for row in ALL {
            let (before, now) = (row.value(&Bounds::default()), row.value(&bounds));
            assert_eq!(now != before, row.name == limit.name, "{row:?} after a change of {limit:?}");
        }
        assert_eq!(limit.value(&bounds).to_string(), other);
    }
}

#[test]
fn a_bad_value_names_what_is_accepted() {
    let error = |text: &str| text.parse::<Change>().unwrap_err().to_string();
    assert!(error("requests").contains("NAME=VALUE"));
    assert!(error("request=1").contains("tidings limits"));
    for text in ["requests=0", "requests=-1", "requests=many", "requests=1/2"] {
        assert!(error(text).contains("from 1 on"), "{text}");
    }
    for text in
        ["commands-per-guest=5", "commands-per-guest=0/5", "commands-per-guest=5/0", "commands-per-guest=5/x"]
    {
        assert!(error(text).contains("5/30"), "{text}");
    }
    for text in [
        "renames=5",
        "renames=0/day",
        "renames=5/week",
        "renames=5/60",
        "renames=5/day/",
        "renames=5/day/0",
        "renames=5/day/6",
        "renames=5/day/4/3",
    ] {
        assert!(error(text).contains("20/day"), "{text}");
    }
    for text in ["bad-codes-per-person=5", "bad-codes-per-person=5/0"] {
        assert!(error(text).contains("5/12"), "{text}");
    }
    for text in
        ["disk-free=5", "disk-free=101/1/2", "disk-free=5/2/1", "disk-free=5/1/2/3", "disk-free=0/1/2"]
    {
        assert!(error(text).contains("5/256/4096"), "{text}");
    }
    let mut bounds = Bounds::default();
    for text in ["commands-per-guest=0", "disk-free=0"] {
        text.parse::<Change>().unwrap().apply(&mut bounds);
    }
    assert_eq!(bounds.node.commands.guest, Rate::OFF);
    assert_eq!(bounds.node.watermark, Watermark::OFF);
    for (text, told) in [("5/day/3", "5/day/3"), ("5/day/5", "5/day"), ("5/hour", "5/hour"), ("0", "0")] {
        format!("renames={text}").parse::<Change>().unwrap().apply(&mut bounds);
        assert_eq!(bounds.node.quotas.renames.to_string(), told);
    }
}
