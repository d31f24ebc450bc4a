//! The events of `/v1` and of the tutorial's namespace, as texts: every name with every kind of argument.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_server::NamespaceName;
use socketio_server::socketio::{Connection, Incoming, Limits};
use tidings::profile::wire::ChatMessage;
use tidings::v1::command::Numbered;
use tidings::v1::identity::Signer;
use tidings::v1::names::{CommandName, RequestName};
use tidings::v1::request::{Moved, Request, typing};

fuzz_target!(|input: &[u8]| {
    let limits = Limits::default();
    let mut connection = Connection::new();
    assert!(connection.on_text("0", &limits).is_ok());
    assert!(connection.join(&NamespaceName::ROOT, ()).is_some());
    let arguments = String::from_utf8_lossy(input);
    let text = format!(r#"2["event",{arguments}]"#);
    let Ok(Incoming::Event { payload, .. }) = connection.on_text(&text, &limits) else { return };
    let signer = Signer::new(&[7; 32], []);
    for name in CommandName::ALL {
        if let Ok(numbered) = Numbered::parse(name, &payload, &signer) {
            assert_ne!(numbered.n.0, 0, "commands are counted from one");
            // The same bytes are the same command, or a repeat would be refused.
            assert!(Numbered::parse(name, &payload, &signer).is_ok_and(|again| again == numbered));
        }
    }
    for name in RequestName::ALL {
        let _ = Request::parse(name, &payload);
    }
    let _ = (Moved::parse(&payload), typing(&payload), ChatMessage::parse(&payload).is_ok());
});
