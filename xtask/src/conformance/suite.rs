//! The four suites of the socketio/socket.io repository that run against a foreign server.
//!
//! Owns what is known of each: where it lies, what it needs, which fixture answers it and how many tests it has. A
//! suite that grows upstream fails here by its count, and is then looked at rather than counted as passed.

use std::time::Duration;

/// One suite, as it lies in the checkout.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    /// The fixture server it talks to: an argument of the fixtures' program.
    pub(super) fixture: &'static str,
    /// The folder of its tests, below the root of the checkout.
    pub(super) source: &'static str,
    pub(super) setup: Setup,
    /// Spellings of the fixed port in the tests; only these are rewritten to the port of the fixture.
    pub(super) port: &'static str,
    pub(super) port_spellings: &'static [&'static str],
    pub(super) passes: u32,
    pub(super) pending: u32,
    pub(super) control: Control,
    pub(super) deadline: Duration,
}

/// How the packages that the tests need come to be there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setup {
    /// The suite brings its own manifest and lock file.
    OwnPackages,
    /// The tests belong into the installed package of this name, whose build they load as `..`.
    InsidePackage { package: &'static str, mocha_args: &'static [&'static str], entry: &'static str },
}

/// What the suite does when nobody answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Control {
    Ends,
    Hangs,
}

pub(super) static SUITES: [Suite; 4] = [
    Suite {
        name: "engine-protocol",
        fixture: "engine-protocol",
        source: "docs/engine.io-protocol/v4-test-suite",
        setup: Setup::OwnPackages,
        port: "3000",
        port_spellings: &["localhost:3000"],
        passes: 25,
        pending: 0,
        control: Control::Ends,
        deadline: Duration::from_mins(1),
    },
    Suite {
        name: "socket-protocol",
        fixture: "socket-protocol",
        source: "docs/socket.io-protocol/v5-test-suite",
        setup: Setup::OwnPackages,
        port: "3000",
        port_spellings: &["localhost:3000"],
        passes: 32,
        pending: 0,
        control: Control::Ends,
        deadline: Duration::from_mins(1),
    },
    Suite {
        name: "socket-client",
        fixture: "socket-client",
        source: "packages/socket.io-client/test",
        setup: Setup::InsidePackage {
            package: "socket.io-client",
            mocha_args: &["--import=tsx", "--require=../../../default-port.cjs"],
            entry: "index.ts",
        },
        port: "3210",
        port_spellings: &["localhost:3210"],
        passes: 111,
        pending: 0,
        // With no server it takes two minutes of time-outs.
        control: Control::Ends,
        deadline: Duration::from_mins(5),
    },
    Suite {
        name: "engine-client",
        fixture: "engine-client",
        source: "packages/engine.io-client/test",
        setup: Setup::InsidePackage { package: "engine.io-client", mocha_args: &[], entry: "index.js" },
        port: "3000",
        port_spellings: &["localhost:3000", "port: 3000"],
        passes: 83,
        pending: 1,
        control: Control::Hangs,
        deadline: Duration::from_mins(2),
    },
];
