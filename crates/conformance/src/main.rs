//! The servers that the official test suites of the protocol expect to talk to: `conformance FIXTURE PORT`.
//!
//! Each suite is written against a server of its own, whose behaviour is part of its tests. `cargo xtask conformance`
//! starts this program once for each. It listens on the loopback addresses (port 0 is any free one), prints
//! `listening on PORT` and serves until it is killed. `conformance decoders` serves nobody: it compares decoders.

mod decoders;
mod engine_client;
mod engine_protocol;
mod error;
mod fixture;
mod loopback;
mod socket_client;
mod socket_protocol;
mod websocket_echo;

use std::process::ExitCode;

use fixture::Fixture;

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next();
    if name.as_deref() == Some("decoders") {
        return match decoders::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("conformance: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let fixture = name.and_then(|name| Fixture::named(&name));
    let port = args.next().and_then(|port| port.parse().ok());
    let (Some(fixture), Some(port), None) = (fixture, port, args.next()) else {
        let names: Vec<&str> = Fixture::ALL.iter().map(|fixture| fixture.name()).collect();
        eprintln!("usage: conformance FIXTURE PORT | decoders\nfixtures: {}", names.join(", "));
        return ExitCode::from(2);
    };
    match fixture.serve(port).await {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}
