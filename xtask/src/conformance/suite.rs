//! The four suites of the socketio/socket.io repository that can test a foreign server.
//!
//! For each: its folder, its packages, its fixture, and its number of tests. If a suite grows upstream, its count fails
//! here, so that somebody looks at it.

use std::time::Duration;

/// One suite in the checkout.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    /// The name of its fixture server: an argument of the fixtures' program.
    pub(super) fixture: &'static str,
    /// The folder of its tests, relative to the root of the checkout.
    pub(super) source: &'static str,
    pub(super) setup: Setup,
    /// The fixed port as the tests spell it. Only this is replaced by the port of the fixture.
    pub(super) port: &'static str,
    pub(super) port_spellings: &'static [&'static str],
    pub(super) passes: u32,
    pub(super) pending: u32,
    pub(super) control: Control,
    pub(super) deadline: Duration,
}

/// Where the packages of the tests come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setup {
    /// The suite has its own manifest and lock file.
    OwnPackages,
    /// The tests belong inside the installed package of this name, whose build they load as `..`.
    InsidePackage { package: &'static str, mocha_args: &'static [&'static str], entry: &'static str },
}

/// What the suite does without a server.
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
        // Without a server, its timeouts take two minutes.
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
