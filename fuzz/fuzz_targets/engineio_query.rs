//! The query of an Engine.IO request: what is read never grows beyond what came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_server::engineio::Query;

/// U+FFFD, which takes the place of a broken byte, has three bytes.
const GROWTH_MAX: usize = 3;

fuzz_target!(|query: &[u8]| {
    let text = String::from_utf8_lossy(query);
    let Query { eio, transport, sid } = Query::parse(&text);
    for value in [eio, transport, sid].into_iter().flatten() {
        assert!(value.len() <= GROWTH_MAX * text.len());
    }
});
