//! What comes on a TCP connection before anybody is known: request lines, headers, bodies, upgrades.
//!
//! A real server on loopback reads it, and has to end the connection of a client that has said all.
#![no_main]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use socketio_server::{Namespace, Server, bind};

/// The server closes what goes on for longer, which would be a finding as well.
const PATIENCE: Duration = Duration::from_secs(20);

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = Box::leak(Box::new(runtime.expect("a runtime can be made")));
    runtime.block_on(async {
        let server = Server::builder().namespace(Namespace::new("/")).build().expect("the configuration is right");
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has a port");
        let address = server.listen(listener).expect("the server listens");
        std::mem::forget(server);
        address
    })
});

fuzz_target!(|input: &[u8]| {
    let mut stream = TcpStream::connect(*SERVER).expect("the server still accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a stream has a timeout");
    // It may have closed what it does not like before all is written.
    let _ = stream.write_all(input);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(err) = stream.read_to_end(&mut answer) {
        assert!(err.kind() != std::io::ErrorKind::WouldBlock, "the connection of a client that is gone ends");
    }
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "what is answered is HTTP");
});
