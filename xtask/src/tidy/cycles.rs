//! Rules about the modules of every crate: which may stand in a cycle of imports.
//!
//! The modules beside each other are looked at together, in the root of a crate and in each folder: `a` imports `b` when
//! anything in `a` names anything in `b`, be it through a name that the module around them passes on. A module may
//! name what its own parent has. The cycles that exist are listed with the reason, so that none grows and no other
//! arises. A cycle that is gone or smaller has to leave the list.

use std::collections::{BTreeMap, BTreeSet};
use std::path;

use super::paths::{Crate, Path};
use super::{Fault, Source};

/// The cycles that there are: the modules around them, their members, and why they are there.
const KNOWN: [(&str, &str, &str); 3] = [
    (
        "crates/socketio-server/src/handle",
        "ack command connect engine eviction handler io mailbox misfits reach remote socket",
        "a handle sends commands to workers, and a command carries what handlers get: handles",
    ),
    (
        "crates/socketio-server/src/feed",
        "history outlet",
        "the history sends pages to outlets, and an outlet asks the history for the next page",
    ),
    (
        "crates/simulation/src/",
        "hostile_log publisher",
        "a bug to be found: the log shows entries before they are stored, and so publishes them itself",
    ),
];

/// Which module names which beside it, and where first.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

pub(super) fn are_known(_: &path::Path, sources: &[Source]) -> Vec<Fault> {
    let mut faults: Vec<Fault> =
        folders(sources).iter().flat_map(|folder| judge(&Crate::read(folder, sources), &KNOWN)).collect();
    let is_there = |folder: &str| sources.iter().any(|source| source.path.starts_with(folder));
    let gone = KNOWN.iter().filter(|(around, _, _)| !is_there(around));
    faults.extend(gone.map(|(around, _, _)| fault(around, "there is no such folder any more".into())));
    faults
}

/// The source folders of all crates.
fn folders(sources: &[Source]) -> BTreeSet<String> {
    let roots = sources.iter().filter_map(|source| {
        source.path.strip_suffix("lib.rs").or_else(|| source.path.strip_suffix("main.rs"))
    });
    let is_of_crate = |folder: &&str| {
        folder.ends_with("/src/") && (folder.starts_with("crates/") || folder.starts_with("xtask/src/"))
    };
    roots.filter(is_of_crate).map(str::to_owned).collect()
}

fn fault(path: &str, what: String) -> Fault {
    Fault { path: path.into(), line: 0, what }
}

fn judge(read: &Crate<'_>, known: &[(&str, &str, &str)]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut found = BTreeSet::new();
    for (around, graph) in &graphs(read) {
        let around = format!("{}{}", read.folder, around.join("/"));
        for circle in circles(graph) {
            let members = circle.iter().copied().collect::<Vec<_>>().join(" ");
            if known.iter().any(|(place, listed, _)| *place == around && *listed == members) {
                found.insert((around.clone(), members));
            } else {
                let what = format!("a cycle of imports among {members}: {}", shortest(graph, &circle));
                faults.push(fault(&around, what));
            }
        }
    }
    for (around, members, _) in known {
        let is_here = around.starts_with(read.folder);
        if is_here && !found.contains(&((*around).to_owned(), (*members).to_owned())) {
            faults.push(fault(around, format!("the cycle {members} is gone or another now: see the list")));
        }
    }
    faults
}

/// The modules beside each other, for each module around some.
fn graphs(read: &Crate<'_>) -> BTreeMap<Path, Graph> {
    let mut graphs: BTreeMap<Path, Graph> = BTreeMap::new();
    for mention in &read.mentions {
        let target = read.module_at(&mention.path);
        let shared = mention.by.iter().zip(&target).take_while(|(own, other)| own == other).count();
        if let (Some(own), Some(other)) = (mention.by.get(shared), target.get(shared)) {
            let graph = graphs.entry(target[..shared].to_vec()).or_default();
            let place = format!("{}:{}", mention.source.path, mention.line);
            graph.entry(own.clone()).or_default().entry(other.clone()).or_insert(place);
        }
    }
    graphs
}

/// The modules that reach each other, where they are more than one.
fn circles(graph: &Graph) -> Vec<BTreeSet<&str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|module| (&**module, reached(graph, module))).collect();
    let circle = |module: &&str| -> BTreeSet<&str> {
        let back = |other: &&str| reach.get(other).is_some_and(|others| others.contains(*module));
        reach[module].iter().copied().filter(back).collect()
    };
    let circles: BTreeSet<_> = reach.keys().map(circle).filter(|circle| circle.len() > 1).collect();
    circles.into_iter().collect()
}

fn reached<'a>(graph: &'a Graph, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        open.extend(
            graph
                .get(module)
                .into_iter()
                .flat_map(BTreeMap::keys)
                .map(|other| &**other)
                .filter(|other| seen.insert(*other)),
        );
    }
    seen
}

/// The shortest way from the first member back to it, with the places.
fn shortest(graph: &Graph, circle: &BTreeSet<&str>) -> String {
    let Some(start) = circle.first() else { return String::new() };
    let mut ways: Vec<(&str, String)> = vec![(start, (*start).to_owned())];
    for _ in circle {
        let mut longer: Vec<(&str, String)> = Vec::new();
        for (module, way) in &ways {
            for (other, place) in graph.get(*module).into_iter().flatten() {
                let way = format!("{way} → {other} ({place})");
                if other == start {
                    return way;
                }
                if circle.contains(&**other) && !longer.iter().any(|(seen, _)| seen == other) {
                    longer.push((other, way));
                }
            }
        }
        ways = longer;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: (&str, &str) =
        ("lib.rs", "mod ground;\nmod feed;\nmod door;\npub use self::door::Listener;\n");

    /// The faults of the crate `a` with these files.
    fn faults(files: &[(&str, &str)], known: &[(&str, &str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source {
            path: format!("crates/a/src/{path}"),
            text: (*text).into(),
        };
        let sources: Vec<Source> = files.iter().map(source).collect();
        judge(&Crate::read("crates/a/src/", &sources), known).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cycle_is_found_with_its_shortest_way() {
        let files = [
            LIB,
            ("ground.rs", "use crate::feed::Feed;\n"),
            ("feed.rs", "\nfn a(_: &super::door::Door) {}\n"),
            ("door.rs", "use crate::{feed::Feed, ground};\n"),
        ];
        let found = ["crates/a/src/: a cycle of imports among door feed ground: \
             door → feed (crates/a/src/door.rs:1) → door (crates/a/src/feed.rs:2)"];
        assert_eq!(faults(&files, &[]), found);
        assert_eq!(faults(&files, &[("crates/a/src/", "door feed ground", "for a reason")]), [""; 0]);
        let grown = faults(&files, &[("crates/a/src/", "door feed", "for a reason")]);
        assert_eq!(grown[1], "crates/a/src/: the cycle door feed is gone or another now: see the list");
    }

    #[test]
    fn a_cycle_through_a_name_that_the_root_passes_on_is_found() {
        let feed = ("feed.rs", "use crate::Listener;\n");
        assert_eq!(faults(&[LIB, feed, ("door.rs", "use crate::feed::Feed;\n")], &[]).len(), 1);
        assert_eq!(faults(&[LIB, feed, ("door.rs", "")], &[]), [""; 0]);
    }

    #[test]
    fn a_cycle_inside_a_folder_is_found_there() {
        let feed = ("feed.rs", "mod batch;\nmod ring;\npub use ring::Ring;\n");
        let batch = ("feed/batch.rs", "use super::Ring;\n");
        let found = faults(&[LIB, feed, batch, ("feed/ring.rs", "use super::batch::Batch;\n")], &[]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("crates/a/src/feed: a cycle of imports among batch ring: "),
            "{found:?}"
        );
        assert_eq!(faults(&[LIB, feed, batch, ("feed/ring.rs", "use super::Limit;\n")], &[]), [""; 0]);
    }

    #[test]
    fn every_crate_is_looked_at() {
        let source = |path: &str| Source { path: path.into(), text: String::new() };
        let sources =
            ["crates/a/src/lib.rs", "crates/b/src/main.rs", "xtask/src/main.rs", "bench/a/src/main.rs"];
        let found = folders(&sources.map(source));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["crates/a/src/", "crates/b/src/", "xtask/src/"]);
    }
}
