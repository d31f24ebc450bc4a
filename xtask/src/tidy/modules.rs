//! Rules about the modules of one crate: imports run one way.
//!
//! The table has the top modules of a crate in order, the lowest first. A file may import from its own module and from
//! lower ones, so no two modules can import each other. Imports within a module are its own business, and tests may
//! import anything.

use std::path::Path;

use super::paths::{Crate, Mention};
use super::{Fault, Source};

/// The crates whose modules are checked. To add a crate, add a row.
const ORDERS: [(&str, &[&str]); 3] = [
    (
        "crates/socketio-server/src/",
        &[
            // The base modules: frames, addresses, settings.
            "planted",
            "rare",
            "random",
            "seam",
            "cost",
            "reason",
            "room",
            "sid",
            "span",
            "socket_data",
            "user_tag",
            "stats",
            "peer",
            "pacing",
            "lines",
            "occupancy",
            "output",
            "encryption",
            "stream",
            "websocket",
            "frame",
            "http",
            "handshake",
            "config",
            "ignored",
            "refusal",
            // The four layers.
            "feed",
            "handle",
            "worker",
            "door",
            // The module that puts the others together.
            "server",
            "simulation",
            "websocket_echo",
        ],
    ),
    (
        "crates/chat/src/",
        &[
            // Basic types.
            "planted",
            "rare",
            "named",
            "hash",
            "ids",
            "key",
            "signing",
            "text",
            "device",
            "epochs",
            "name",
            "sign_in",
            "pointer",
            "room",
            "trust",
            "entry",
            "signed_in",
            "outcome",
            "command",
            "spent",
            "run",
            "stats",
            "content",
            // The contract of the log, and its implementation in memory.
            "log",
            "directory",
            "decide",
            // The path of a draft, and then of an entry.
            "health",
            "queue",
            "delivery",
            "applier",
            "appender",
            // A log for tests, and the conformance suite.
            "memory",
            "watched",
            "conformance",
            "debug_output",
        ],
    ),
    (
        "crates/tidings/src/",
        &[
            // What a node is made of.
            "planted",
            "rare",
            "environment",
            "similar",
            "memory",
            "names",
            "stamp",
            "debts",
            "reading",
            "stats",
            "payer",
            "allowance",
            "command_pace",
            "quotas",
            "ticket",
            "disk",
            "readiness",
            // The namespaces, and the node that has them.
            "profile",
            "v1",
            "delivery",
            "node",
            "limits",
            "metrics",
            // The program.
            "assets",
            "plural",
            "logging",
            "options",
            "places",
            "security",
            "tls",
            "failure",
            "http",
            "serve",
            "backup",
            "import",
            "repair",
            "restore",
            "rotate",
            "verify",
            "limit_list",
            "main",
        ],
    ),
];

pub(super) fn import_one_way(_: &Path, sources: &[Source]) -> Vec<Fault> {
    ORDERS.iter().flat_map(|(folder, order)| judge(folder, order, sources)).collect()
}

fn judge(folder: &str, order: &[&str], sources: &[Source]) -> Vec<Fault> {
    let read = Crate::read(folder, sources);
    let mut faults = Vec::new();
    let mut known = Vec::new();
    for source in sources {
        let Some(path) = source.path.strip_prefix(folder).and_then(|path| path.strip_suffix(".rs")) else {
            continue;
        };
        let top = path.split('/').next().unwrap_or_default();
        if top != "lib" && !order.contains(&top) {
            faults.push(
                source.fault(0, "has no place among the modules: give it one in xtask/src/tidy/modules.rs"),
            );
        }
        known.push(top);
    }
    faults.extend(read.mentions.iter().filter_map(|mention| upward(mention, order, &read)));
    let gone = order.iter().filter(|name| !known.contains(name));
    let gone =
        gone.map(|name| Fault { path: folder.into(), line: 0, what: format!("there is no module {name}") });
    faults.extend(gone);
    faults.extend(read.faults);
    faults
}

/// What is wrong with a path, if anything is.
fn upward(mention: &Mention<'_>, order: &[&str], read: &Crate<'_>) -> Option<Fault> {
    // The root passes names on, and puts nothing together.
    let top = mention.by.first()?;
    let name = mention.path.first()?;
    let place_of = |module: &String| order.iter().position(|known| known == module);
    let place = place_of(top)?;
    let above = |name| {
        let what = format!("{top} must not import {name}, which stands above it");
        mention.source.fault(mention.line, what)
    };
    match place_of(name) {
        Some(other) if other > place => Some(above(name)),
        // A lower module may pass on the name of an upper one only by importing it, which is a fault there.
        Some(_) => None,
        None if mention.is_for_callers && read.module_at(&mention.path).is_empty() => None,
        None => {
            let what = format!("{name} is no module: name the one that it is in");
            Some(mention.source.fault(mention.line, what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of a file among `ground`, `feed` and `door`, by line.
    fn check(path: &str, text: &str, expected: &[(usize, &str)]) {
        let order = ["ground", "feed", "door"];
        let mut sources: Vec<Source> = order
            .iter()
            .map(|name| Source { path: format!("a/src/{name}.rs"), text: String::new() })
            .collect();
        sources.push(Source { path: format!("a/src/{path}"), text: text.into() });
        let faults = judge("a/src/", &order, &sources);
        let found: Vec<(usize, &str)> = faults.iter().map(|fault| (fault.line, &*fault.what)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_import_from_above_is_found() {
        let fault = "feed must not import door, which stands above it";
        check("feed/ring.rs", "//! Docs.\n\nuse crate::door::Listener;\n", &[(3, fault)]);
        check(
            "feed/ring.rs",
            "use crate::{\n    ground::{self, Room},\n    door::Listener,\n};\n",
            &[(3, fault)],
        );
        check("feed/ring.rs", "fn a() {\n    crate::door::listen();\n}\n", &[(2, fault)]);
        check("feed/ring.rs", "\nuse super::super::door::Listener;\n", &[(2, fault)]);
        check("feed/ring.rs", "\npub(crate) use super::super::{door, ground};\n", &[(2, fault)]);
    }

    #[test]
    fn an_import_from_above_is_found_however_it_is_written() {
        let ways = [
            "pub use super::super::door::Listener;",
            "pub(super) use super::super::door::Listener;",
            "pub(in crate::feed) use crate::door;",
            "use {super::super::door::Listener};",
            "use super::{super::door::Listener};",
            "use super::super::{ground, door::{self}};",
            "use self::super::super::door::Listener;",
            "use crate::door as entrance;",
            "use crate::door::*;",
            "use crate::r#door;",
            "use a::door;",
            "fn a(_: super::super::door::Listener) {}",
            "fn a() -> Vec<crate::door::Listener> { Vec::new() }",
            "fn a() { { use super::super::door::Listener; } }",
            "fn a() { b(<crate :: door::Listener as Clone>::clone) }",
            "mod inner { use super::super::super::door::Listener; }",
            "fn a() { assert!(crate::door::is_open()); }",
            "macro_rules! a { () => { $crate::door::listen() } }",
            "fn a() { b(\"http://\", crate::door::listen()); }",
            "fn a() { b('\"', crate::door::listen(), '\"'); }",
            "fn a() { b(r#\"\"\"#, crate::door::listen()); }",
            "/* /* */ */ fn a() { crate::door::listen(); }",
            "#[cfg(test)] mod tests { use crate::door; } use crate::door;",
            "#[cfg(test)] use crate::door; use crate::door;",
            "#[cfg(test)] const A: B = B { b: 1 }; fn a() { crate::door::a() }",
            "#[cfg(test)] pub(crate) const fn a<B, C>() {} fn a() { crate::door::a() }",
            "#[cfg(not(test))] use crate::door;",
            "#[cfg(any(test, feature = \"b\"))] use crate::door;",
        ];
        for way in ways {
            check("feed/ring.rs", way, &[(1, "feed must not import door, which stands above it")]);
        }
    }

    #[test]
    fn a_second_name_of_what_is_around_a_module_is_a_fault() {
        let fault = "a module around this one gets no second name: name what is used of it";
        let ways = [
            "use crate as root;",
            "use crate::{self as root};",
            "use super::super as root;",
            "use super::super::*;",
            "use super as feed;",
            "use super::*;",
            "use self::super::{self as feed};",
        ];
        for way in ways {
            check("feed/ring.rs", way, &[(1, fault)]);
        }
        check("feed/ring.rs", "extern crate self as me;", &[(1, "the crate has one name: crate")]);
        check("feed.rs", "#[path = \"../door.rs\"]\nmod b;", &[(1, "a module is found by its name")]);
        check(
            "lib.rs",
            "use crate as root;",
            &[(1, "the root gets no second name: name what is used of it")],
        );
    }

    #[test]
    fn what_only_tests_have_may_import_anything() {
        check("feed/ring.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::door;\n}\n", &[]);
        check(
            "feed/ring.rs",
            "#[cfg(all(test, unix))]\nuse crate::{door::A, ground};\nuse crate::ground;\n",
            &[],
        );
        check("feed/ring.rs", "#[cfg(test)]\n#[inline]\nfn a<B, C>() { crate::door::a() }\n", &[]);
        check("feed/ring.rs", "struct A {\n    #[cfg(test)]\n    a: crate::door::A,\n    b: u8,\n}\n", &[]);
    }

    #[test]
    fn imports_from_below_and_from_the_own_module_are_no_faults() {
        check(
            "feed/ring.rs",
            "use super::Batch;\nuse crate::feed::batch;\nuse crate::ground::{Room, door};\n",
            &[],
        );
        check("door.rs", "use super::feed::Feed;\nuse crate::{feed, ground::Room};\n", &[]);
        check("feed/ring.rs", "/// See [`a`](crate::door::a).\nuse my_crate::door;\n", &[]);
        check(
            "feed/ring.rs",
            "const A: &str = \"crate::door\"; // crate::door\n/* use crate::door; */\n",
            &[],
        );
        check(
            "feed/ring.rs",
            "mod inner {\n    use super::*;\n    pub(super) fn a(b: B) { b.door.c() }\n}\n",
            &[],
        );
        check("feed/ring.rs", "macro_rules! a { () => { $crate::Listener } }\n", &[]);
        check("feed/ring.rs", "use ::door::A;\nuse door::{B, crates};\n", &[]);
    }

    #[test]
    fn a_name_of_lib_hides_where_it_comes_from() {
        check(
            "feed.rs",
            "use crate::Listener;\n",
            &[(1, "Listener is no module: name the one that it is in")],
        );
    }

    #[test]
    fn a_module_needs_a_place_and_a_place_a_module() {
        let fault = "has no place among the modules: give it one in xtask/src/tidy/modules.rs";
        check("attic.rs", "", &[(0, fault)]);
        let faults = judge("a/src/", &["ground"], &[]);
        assert_eq!(
            faults.iter().map(|fault| &*fault.what).collect::<Vec<_>>(),
            ["there is no module ground"]
        );
    }
}
