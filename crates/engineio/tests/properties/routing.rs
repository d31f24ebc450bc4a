//! Query strings and routes, for any string that a client may send.
//!
//! Each route is checked against its meaning, not against a second copy of the order.

use engineio::{ErrorCode, Method, Query, Route, TransportKind, UpgradeHeader, route};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn methods() -> impl Strategy<Value = Method> {
    select(vec![Method::Get, Method::Post, Method::Options, Method::Other])
}

fn upgrades() -> impl Strategy<Value = UpgradeHeader> {
    select(vec![UpgradeHeader::Absent, UpgradeHeader::WebSocket])
}

/// A query string of the protocol, broken here and there, or anything at all.
fn queries() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "EIO=4",
        "EIO=3",
        "transport=polling",
        "transport=websocket",
        "transport=webtransport",
        "sid=ada",
        "sid=",
        "sid=%61d%",
        "t=1",
        "%",
        "=",
    ]);
    prop_oneof![any::<String>(), vec(pieces, 0..6).prop_map(|pieces| pieces.join("&"))]
}

proptest! {
    #[test]
    fn a_query_is_read_as_it_was_written(
        eio in any::<String>(), transport in any::<String>(), sid in any::<String>(), other in any::<String>(),
    ) {
        let text = form_urlencoded::Serializer::new(String::new())
            .append_pair("name", &other)
            .append_pair("sid", &sid)
            .append_pair("EIO", &eio)
            .append_pair("transport", &transport)
            .finish();
        let query = Query::parse(&text);
        prop_assert_eq!(query.sid.as_deref(), Some(&*sid));
        prop_assert_eq!(query.eio.as_deref(), Some(&*eio));
        prop_assert_eq!(query.transport.as_deref(), Some(&*transport));
        let (name, value) = Query::pairs(&text).next().expect("four pairs");
        prop_assert_eq!((&*name, &*value), ("name", &*other));
    }

    #[test]
    fn every_request_is_routed_or_refused_for_a_reason_it_gave(
        text in queries(), method in methods(), upgrade in upgrades(),
    ) {
        let query = Query::parse(&text);
        let transport = query.transport.as_deref().and_then(TransportKind::parse);
        let sid = query.sid.as_deref().filter(|sid| !sid.is_empty());
        let speaks = query.eio.as_deref() == Some("4");
        let agree = (transport == Some(TransportKind::WebSocket)) == (upgrade == UpgradeHeader::WebSocket);
        match route(method, &query, upgrade) {
            Ok(found) => {
                prop_assert_eq!(found.sid(), sid);
                match found {
                    Route::Mismatch { .. } => prop_assert!(!speaks || !agree || method != Method::Get),
                    Route::Open(kind) => {
                        prop_assert!(speaks && agree && method == Method::Get);
                        prop_assert_eq!(transport, Some(kind));
                    }
                    Route::Poll { .. } => prop_assert!(speaks && agree && method == Method::Get),
                    Route::Post { .. } => prop_assert!(speaks && agree && method == Method::Post),
                    Route::Attach { .. } => {
                        prop_assert!(speaks && agree && method == Method::Get);
                        prop_assert_eq!(transport, Some(TransportKind::WebSocket));
                    }
                    Route::OtherMethod { .. } => {
                        prop_assert!(speaks && agree);
                        prop_assert!(matches!(method, Method::Options | Method::Other));
                    }
                }
            }
            Err(ErrorCode::UnknownTransport) => prop_assert_eq!(transport, None),
            Err(error) => {
                prop_assert_eq!(sid, None);
                match error {
                    ErrorCode::BadHandshakeMethod => prop_assert_ne!(method, Method::Get),
                    ErrorCode::BadRequest => prop_assert!(!agree),
                    ErrorCode::UnsupportedProtocolVersion => prop_assert!(!speaks),
                    ErrorCode::UnknownTransport | ErrorCode::UnknownSid | ErrorCode::Forbidden => {
                        prop_assert!(false, "{error} is for others to say");
                    }
                }
            }
        }
    }

    #[test]
    fn any_refusal_is_json(message in any::<String>()) {
        let body = ErrorCode::Forbidden.body_with(&message);
        let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        prop_assert_eq!(json, serde_json::json!({ "code": 4, "message": message }));
    }
}
