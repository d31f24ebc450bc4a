//! The parts of the code whose tests are measured, and what is demanded of each.

/// Code that is measured by the tests of its own crate, and by the simulation if that runs it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    /// All of the crate, if there are none.
    pub(super) files: &'static [&'static str],
    /// Files that belong to another part.
    pub(super) without: &'static [&'static str],
    /// Into so many shards its changes are dealt.
    pub(super) shards: usize,
    /// So many of a hundred changes have to be noticed.
    pub(super) percent_min: usize,
    pub(super) tests: Tests,
    /// Whether the simulation is asked about what no test of the crate has noticed.
    pub(super) is_simulated: bool,
}

/// Which tests are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tests {
    /// The tests of the crate.
    Crate,
    /// The examples in the documentation, too: in the pure libraries they are tests of their own.
    CrateAndExamples,
    /// Some hundred worlds of the simulation.
    Simulation,
}

/// Code of tests, which no test tests.
pub(super) const EXCLUDED: [&str; 8] = [
    "crates/chat/src/conformance.rs",
    "crates/chat/src/conformance/**/*.rs",
    "crates/chat/src/planted.rs",
    "crates/socketio-server/src/planted.rs",
    "crates/socketio-server/src/planted/edge.rs",
    "crates/socketio-server/src/worker/audit.rs",
    "crates/tidings/src/planted.rs",
    "crates/tidings/src/planted/edge.rs",
];

/// Code that only the simulation runs, and hooks that are there for bugs that it plants: no test of a crate can notice their
/// change.
pub(super) const EXCLUDED_CHANGES: &str = r"Queue<T>::(try_take|is_closed)|Stepper|::audit\b|match guard planted::is\(Bug::[A-Za-z]+\) with false|match guard edge::is\(EdgeBug::[A-Za-z]+\) with false";

/// So many of a hundred changes may be in the reviewed list.
pub(super) const REVIEWED_PERCENT_MAX: usize = 3;

/// The parts from which the tests take a sample. All of their changes were tried, and none lives: the date decides what
/// is tried, but not whether it is noticed.
const SAMPLED: [&str; 1] = ["engineio"];

/// About so many changes of a part are in a sample.
pub(super) const SAMPLE_CHANGES: usize = 8;

const RECOVERY: &[&str] = &[
    "crates/socketio-server/src/worker/recovery.rs",
    "crates/socketio-server/src/worker/connecting.rs",
    "crates/socketio-server/src/worker/connect.rs",
    "crates/socketio-server/src/worker/ahead.rs",
];

/// A whole crate, the usual case.
const CRATE: Part = Part {
    name: "",
    package: "",
    files: &[],
    without: &[],
    shards: 1,
    percent_min: 95,
    tests: Tests::Crate,
    is_simulated: false,
};

/// All parts.
pub(super) const PARTS: &[Part] = &[
    Part { name: "engineio", package: "engineio", tests: Tests::CrateAndExamples, ..CRATE },
    Part { name: "socketio", package: "socketio", shards: 8, tests: Tests::CrateAndExamples, ..CRATE },
    Part { name: "chat", package: "chat", shards: 12, is_simulated: true, ..CRATE },
    Part { name: "chat-sqlite", package: "chat-sqlite", shards: 12, percent_min: 90, ..CRATE },
    Part {
        name: "feed",
        package: "socketio-server",
        files: &["crates/socketio-server/src/feed.rs", "crates/socketio-server/src/feed/**/*.rs"],
        shards: 8,
        is_simulated: true,
        ..CRATE
    },
    Part {
        name: "recovery",
        package: "socketio-server",
        files: RECOVERY,
        shards: 3,
        is_simulated: true,
        ..CRATE
    },
    Part {
        name: "worker",
        package: "socketio-server",
        files: &["crates/socketio-server/src/worker.rs", "crates/socketio-server/src/worker/**/*.rs"],
        without: RECOVERY,
        shards: 25,
        percent_min: 90,
        is_simulated: true,
        ..CRATE
    },
    Part {
        name: "http",
        package: "socketio-server",
        files: &["crates/socketio-server/src/http/**/*.rs", "crates/socketio-server/src/door/**/*.rs"],
        shards: 25,
        percent_min: 90,
        ..CRATE
    },
    Part {
        name: "v1",
        package: "tidings",
        files: &["crates/tidings/src/v1/**/*.rs", "crates/tidings/src/profile/**/*.rs"],
        shards: 15,
        percent_min: 90,
        is_simulated: true,
        ..CRATE
    },
];

/// The parts from which a sample is taken.
pub(super) fn sampled() -> impl Iterator<Item = &'static Part> {
    PARTS.iter().filter(|part| SAMPLED.contains(&part.name))
}
