//! Rules about the modules of one crate: imports run one way.
//!
//! The table has the top modules of a crate in order, the lowest first. A file may import from its own module and from
//! lower ones, so no two modules can import each other. Imports within a module are its own business, and tests may
//! import anything.

use std::path::Path;

use super::{Fault, Source};

/// The crates whose modules are checked. To add a crate, add a row.
const ORDERS: [(&str, &[&str]); 3] = [
    (
        "crates/socketio-server/src/",
        &[
            // The base modules: frames, addresses, settings.
            "planted",
            "random",
            "reason",
            "room",
            "sid",
            "socket_data",
            "user_tag",
            "stream",
            "websocket",
            "frame",
            "http",
            "handshake",
            "config",
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
            "named",
            "hash",
            "ids",
            "key",
            "signing",
            "text",
            "device",
            "epochs",
            "name",
            "pointer",
            "room",
            "entry",
            "outcome",
            "command",
            "spent",
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
            "conformance",
        ],
    ),
    (
        "crates/tidings/src/",
        &[
            // What a node is made of.
            "planted",
            "environment",
            "names",
            "stamp",
            "ticket",
            "readiness",
            "reading",
            // The namespaces, and the node that has them.
            "profile",
            "v1",
            "delivery",
            "node",
            // The program.
            "assets",
            "plural",
            "logging",
            "options",
            "failure",
            "http",
            "serve",
            "backup",
            "import",
            "restore",
            "rotate",
            "verify",
            "main",
        ],
    ),
];

pub(super) fn import_one_way(_: &Path, sources: &[Source]) -> Vec<Fault> {
    ORDERS.iter().flat_map(|(folder, order)| judge(folder, order, sources)).collect()
}

fn judge(folder: &str, order: &[&str], sources: &[Source]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut known = Vec::new();
    for source in sources {
        let Some(path) = source.path.strip_prefix(folder).and_then(|path| path.strip_suffix(".rs")) else {
            continue;
        };
        let module: Vec<&str> = path.split('/').collect();
        let top = module.first().copied().unwrap_or_default();
        if top == "lib" {
            continue;
        }
        known.push(top);
        if module.contains(&"tests") {
            continue;
        }
        let Some(place) = order.iter().position(|name| *name == top) else {
            faults.push(
                source.fault(0, "has no place among the modules: give it one in xtask/src/tidy/modules.rs"),
            );
            continue;
        };
        for (line, name) in names(without_tests(&source.text), module.len()) {
            match order.iter().position(|known| *known == name) {
                Some(other) if other > place => {
                    faults.push(
                        source.fault(line, format!("{top} must not import {name}, which stands above it")),
                    );
                }
                Some(_) => {}
                None => faults
                    .push(source.fault(line, format!("{name} is no module: name the one that it is in"))),
            }
        }
    }
    let gone = order.iter().filter(|name| !known.contains(name));
    let gone =
        gone.map(|name| Fault { path: folder.into(), line: 0, what: format!("there is no module {name}") });
    faults.extend(gone);
    faults
}

/// Unit tests are at the end of a file. They may use anything, such as the suite at the top.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The names that a file uses from the root of its crate, with their lines. `depth` is how deep the file is below the
/// root.
fn names(text: &str, depth: usize) -> Vec<(usize, String)> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    // Only at the top of a file: further in, `super` may be a module of the file itself.
    let climb = "super::".repeat(depth);
    let climbs = [format!("\nuse {climb}"), format!("\npub(crate) use {climb}")];
    let roots = climbs.iter().map(String::as_str).chain(["crate::"]);
    let mut names = Vec::new();
    for root in roots {
        for (place, _) in code.match_indices(root) {
            // A macro names its crate for its callers.
            let is_whole = !code[..place].ends_with(|before| is_of_name(before) || before == '$');
            let line = code[..=place].matches('\n').count() + 1;
            let rest = &code[place + root.len()..];
            if is_whole && !rest.starts_with("super::") {
                names.extend(first_names(rest).into_iter().map(|name| (line, name)));
            }
        }
    }
    names.sort();
    names
}

/// The first name of a path, or of each path in a group.
fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|symbol| is_of_name(*symbol)).collect()];
    };
    let mut depth = 0;
    let mut names = vec![String::new()];
    let mut is_first = true;
    for symbol in group.chars() {
        match symbol {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(String::new());
                is_first = true;
            }
            symbol if depth == 0 && is_first && is_of_name(symbol) => {
                names.last_mut().expect("there is always one").push(symbol);
            }
            symbol if symbol.is_whitespace() => {}
            _ => is_first = false,
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn is_of_name(symbol: char) -> bool {
    symbol.is_alphanumeric() || symbol == '_'
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
            &[(1, fault)],
        );
        check("feed/ring.rs", "fn a() {\n    crate::door::listen();\n}\n", &[(2, fault)]);
        check("feed/ring.rs", "\nuse super::super::door::Listener;\n", &[(2, fault)]);
        check("feed/ring.rs", "\npub(crate) use super::super::{door, ground};\n", &[(2, fault)]);
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
