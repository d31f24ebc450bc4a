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

/// A value of this limit that is not its default.
fn another(limit: &Limit) -> &'static str {
    match (limit.name, limit.value(&Bounds::default())) {
        ("input-bytes" | "output-bytes" | "outbound-bytes", _) => "7000000",
        ("unjoined-input-bytes", _) => "7000",
        ("read-bytes-per-person" | "read-bytes-per-address", _) => "7000/8000",
        ("bytes-stored-per-guest" | "bytes-stored-per-member" | "bytes-stored-per-address", _) => {
            "70000/hour"
        }
        (_, Value::Count(_)) => "7",
        (_, Value::Rate(_) | Value::Guesses(_)) => "7/8",
        (_, Value::Quota(_)) => "7/hour",
        (_, Value::Watermark(_)) => "7/8/9",
    }
}

#[test]
fn every_limit_has_a_name_of_its_own_and_can_be_changed_alone() {
    for limit in ALL {
        assert_eq!(ALL.iter().filter(|other| other.name == limit.name).count(), 1, "{limit:?}");
        let other = another(limit);
        let mut bounds = Bounds::default();
        format!("{}={other}", limit.name).parse::<Change>().unwrap().apply(&mut bounds);
        for row in ALL {
            let (before, now) = (row.value(&Bounds::default()), row.value(&bounds));
            assert_eq!(now != before, row.name == limit.name, "{row:?} after a change of {limit:?}");
        }
        assert_eq!(limit.value(&bounds).to_string(), other);
    }
}

/// Values at the edges of what a limit takes, values that make no sense for it, and how the error says what does.
type Edges = (&'static [&'static str], &'static [&'static str], &'static str);

fn edges(limit: &Limit) -> Edges {
    match (limit.name, limit.value(&Bounds::default())) {
        ("unjoined-percent" | "rooms-for-guests-percent", _) => {
            (&["1", "100"], &["0", "101", "150"], "from 1 to 100")
        }
        ("unjoined-input-bytes", _) => {
            (&["1024", "1000000"], &["0", "1", "1023", "1000001"], "from 1024 to 1000000")
        }
        ("input-bytes" | "output-bytes", _) => {
            (&["1048576", "1000000000000"], &["0", "1", "1048575", "1000000000001"], "from 1048576 to")
        }
        ("outbound-bytes", _) => {
            (&["524288", "1000000000000"], &["0", "1", "524287", "1000000000001"], "from 524288 to")
        }
        ("member-address-factor", _) => (&["0", "1", "1000"], &["-1", "1001"], "from 0 to 1000"),
        ("text-bytes", _) => (&["1", "16384"], &["0", "16385", "1000000"], "from 1 to 16384"),
        ("rooms-joined" | "sign-ins-kept", _) => (&["1", "1000"], &["0", "1001"], "from 1 to 1000"),
        ("direct-members", _) => (&["2", "101"], &["0", "1", "102"], "from 2 to 101"),
        ("resume-entries" | "resume-distance", _) => {
            (&["1", "10000000"], &["0", "10000001"], "from 1 to 10000000")
        }
        (_, Value::Count(_)) => (
            &["1", "1000000000000"],
            &["", "0", "-1", "1.5", "many", "1/2", "1000000000001", "18446744073709551616"],
            "from 1 to 1000000000000",
        ),
        ("read-bytes-per-person" | "read-bytes-per-address", _) => (
            &["0", "1000/1000", "1000000000/1000000000"],
            &["1", "0/1000", "1000/0", "1/1", "999/1000", "1000/999", "1000000001/1000"],
            "each from 1000 to 1000000000,",
        ),
        (_, Value::Rate(_)) => (
            &["0", "1/1", "5/1", "1000000/1000000"],
            &["", "5", "0/5", "5/0", "5/x", "-5/5", "5/5/5", "1000001/1", "1/1000001"],
            "such as 5/30 for 5 a second and 30 at once, each from 1 to 1000000, or 0",
        ),
        (_, Value::Guesses(_)) => (
            &["0", "1/1", "86400/86400"],
            &["", "5", "5/0", "0/5", "86401/1", "1/86401"],
            "such as 5/12, each from 1 to 86400, or 0",
        ),
        ("bytes-stored-per-guest" | "bytes-stored-per-member" | "bytes-stored-per-address", _) => (
            &["0", "20000/day", "30000/day/20000", "4294967295/hour"],
            &["", "1/day", "19999/day", "30000/day/19999", "4294967296/day"],
            "from 20000 to",
        ),
        (_, Value::Quota(_)) => (
            &["0", "1/day", "5/day/3", "4294967295/hour"],
            &[
                "",
                "5",
                "0/day",
                "5/week",
                "5/60",
                "-1/day",
                "5/day/",
                "5/day/0",
                "5/day/6",
                "5/day/4/3",
                "4294967296/day",
            ],
            "such as 20/day or 60/hour/30, from 1 to",
        ),
        (_, Value::Watermark(_)) => (
            &["0", "1/0/1", "50/4294967295/4294967295"],
            &["", "5", "51/1/2", "101/1/2", "80%", "5/2/1", "5/0/0", "5/1/2/3", "0/1/2", "5/1/4294967296"],
            "from 1 to 50, and at least and at most so many MiB, such as 5/256/4096, or 0",
        ),
    }
}

#[test]
fn every_limit_takes_what_makes_sense_for_it_and_says_so_of_the_rest() {
    for limit in ALL {
        let (taken, refused, accepts) = edges(limit);
        let parse = |value: &&str| format!("{}={value}", limit.name).parse::<Change>();
        for value in taken {
            let mut bounds = Bounds::default();
            parse(value).unwrap_or_else(|err| panic!("{limit:?} = {value}: {err}")).apply(&mut bounds);
            assert_eq!(limit.value(&bounds).to_string(), *value, "{limit:?}");
        }
        for value in refused {
            let error = parse(value).map(drop).expect_err(&format!("{limit:?} = {value}")).to_string();
            assert!(error.contains(accepts), "{limit:?} = {value}: {error}");
        }
        assert!(parse(&&*limit.value(&Bounds::default()).to_string()).is_ok(), "the default of {limit:?}");
    }
}

#[test]
fn a_quota_that_is_all_there_at_once_is_told_without_that() {
    let mut bounds = Bounds::default();
    "renames=5/day/5".parse::<Change>().unwrap().apply(&mut bounds);
    assert_eq!(bounds.node.quotas.renames.to_string(), "5/day");
}

#[test]
fn an_absurd_limit_still_limits() {
    for limit in ALL {
        let (taken, _, _) = edges(limit);
        for value in taken {
            let mut bounds = Bounds::default();
            format!("{}={value}", limit.name).parse::<Change>().unwrap().apply(&mut bounds);
            if let (Value::Rate(rate), false) = (limit.value(&bounds), *value == "0") {
                let one = if limit.name.contains("bytes") { 1_000 } else { 1 };
                assert!(
                    rate.wait(rate.time_of(u64::from(rate.burst) + one)).is_some(),
                    "{limit:?} = {value}"
                );
            }
        }
    }
}

#[test]
fn a_text_that_is_no_change_is_told_from_a_limit_that_is_none() {
    let error = |text: &str| text.parse::<Change>().unwrap_err().to_string();
    assert!(error("requests").contains("NAME=VALUE"));
    assert!(error("request=1").contains("tidings limits"));
    assert!(error(" requests=1").contains("tidings limits"));
}
