//! The verification order: the route of each request, and which of several faults decides the answer.
//!
//! Only the checks that need no session; the driver makes the others.

use engineio::{ErrorCode, Method, Query, Route, TransportKind, UpgradeHeader, route};

use Method::{Get, Options, Other, Post};
use UpgradeHeader::{Absent, WebSocket};

#[track_caller]
fn check(method: Method, query: &str, upgrade: UpgradeHeader, expected: Result<Route<'_>, ErrorCode>) {
    let query_string = query;
    let query = Query::parse(query_string);
    let routed = route(method, &query, upgrade);
    assert_eq!(routed, expected, "{method:?} {query_string:?} {upgrade:?}");
}

#[test]
fn a_session_opens_on_either_transport() {
    check(Get, "EIO=4&transport=polling", Absent, Ok(Route::Open(TransportKind::Polling)));
    check(Get, "EIO=4&transport=websocket", WebSocket, Ok(Route::Open(TransportKind::WebSocket)));
}

#[test]
fn order_and_company_of_the_parameters_do_not_matter() {
    let query = "t=PdX3a&transport=polling&b64=1&j=0&name=ada&EIO=4&x";
    check(Get, query, Absent, Ok(Route::Open(TransportKind::Polling)));
    check(Get, "&&EIO=4&&transport=polling&", Absent, Ok(Route::Open(TransportKind::Polling)));
}

#[test]
fn an_empty_id_opens_a_session() {
    check(Get, "EIO=4&transport=polling&sid=", Absent, Ok(Route::Open(TransportKind::Polling)));
    check(Get, "EIO=4&transport=polling&sid", Absent, Ok(Route::Open(TransportKind::Polling)));
}

#[test]
fn polls_and_posts_name_their_session() {
    check(Get, "EIO=4&transport=polling&sid=ada", Absent, Ok(Route::Poll { sid: "ada" }));
    check(Post, "EIO=4&transport=polling&sid=ada", Absent, Ok(Route::Post { sid: "ada" }));
}

#[test]
fn a_websocket_attaches_to_its_session() {
    check(Get, "EIO=4&transport=websocket&sid=ada", WebSocket, Ok(Route::Attach { sid: "ada" }));
}

#[test]
fn other_methods_are_left_to_the_session() {
    for method in [Options, Other] {
        let expected = Ok(Route::OtherMethod { sid: "ada" });
        check(method, "EIO=4&transport=polling&sid=ada", Absent, expected);
    }
}

#[test]
fn an_unknown_transport_comes_before_every_other_fault() {
    for transport in ["", "transport=", "transport=tarantula", "transport=webtransport", "transport=Polling"]
    {
        for rest in ["", "&EIO=4", "&EIO=3", "&sid=ada", "&EIO=4&sid=ada"] {
            for method in [Get, Post, Options, Other] {
                for upgrade in [Absent, WebSocket] {
                    let query = format!("{transport}{rest}");
                    check(method, &query, upgrade, Err(ErrorCode::UnknownTransport));
                }
            }
        }
    }
}

#[test]
fn only_get_opens_a_session_whatever_else_is_wrong() {
    for method in [Post, Options, Other] {
        for query in ["transport=polling", "transport=polling&EIO=4", "transport=websocket&EIO=3"] {
            check(method, query, Absent, Err(ErrorCode::BadHandshakeMethod));
            check(method, query, WebSocket, Err(ErrorCode::BadHandshakeMethod));
        }
    }
}

#[test]
fn transport_and_upgrade_header_must_agree_before_the_revision_is_looked_at() {
    for rest in ["&EIO=4", "&EIO=3", ""] {
        check(Get, &format!("transport=websocket{rest}"), Absent, Err(ErrorCode::BadRequest));
        check(Get, &format!("transport=polling{rest}"), WebSocket, Err(ErrorCode::BadRequest));
    }
}

#[test]
fn only_revision_four_is_spoken() {
    for revision in ["", "&EIO=", "&EIO=3", "&EIO=5", "&EIO=4.0", "&EIO=04", "&EIO=4+", "&eio=4", "&EIO=abc"]
    {
        let error = Err(ErrorCode::UnsupportedProtocolVersion);
        check(Get, &format!("transport=polling{revision}"), Absent, error);
        check(Get, &format!("transport=websocket{revision}"), WebSocket, error);
    }
}

#[test]
fn a_request_that_fits_no_session_still_asks_for_its_session_first() {
    let mismatch = Ok(Route::Mismatch { sid: "ada" });
    check(Get, "EIO=3&transport=polling&sid=ada", Absent, mismatch);
    check(Post, "transport=polling&sid=ada", Absent, mismatch);
    check(Get, "EIO=3&transport=websocket&sid=ada", WebSocket, mismatch);
    check(Get, "EIO=4&transport=websocket&sid=ada", Absent, mismatch);
    check(Post, "EIO=4&transport=websocket&sid=ada", Absent, mismatch);
    check(Get, "EIO=4&transport=polling&sid=ada", WebSocket, mismatch);
    check(Post, "EIO=4&transport=websocket&sid=ada", WebSocket, mismatch);
}

#[test]
fn a_route_knows_its_session() {
    assert_eq!(Route::Open(TransportKind::Polling).sid(), None);
    for route in [
        Route::Poll { sid: "ada" },
        Route::Post { sid: "ada" },
        Route::Attach { sid: "ada" },
        Route::OtherMethod { sid: "ada" },
        Route::Mismatch { sid: "ada" },
    ] {
        assert_eq!(route.sid(), Some("ada"));
    }
}

#[test]
fn parameters_are_percent_decoded() {
    let query = Query::parse("%45IO=%34&transport=poll%69ng&sid=a+b%2Fc%C3%B6");
    assert_eq!(query.eio.as_deref(), Some("4"));
    assert_eq!(query.transport.as_deref(), Some("polling"));
    assert_eq!(query.sid.as_deref(), Some("a b/cö"));
}

#[test]
fn undecodable_bytes_are_kept_or_replaced_and_never_fatal() {
    let query = Query::parse("sid=%zz%F&EIO=%FF");
    assert_eq!(query.sid.as_deref(), Some("%zz%F"));
    assert_eq!(query.eio.as_deref(), Some("\u{fffd}"));
}

#[test]
fn a_repeated_parameter_matches_nothing() {
    let polling = "transport=polling&transport=polling&EIO=4";
    check(Get, polling, Absent, Err(ErrorCode::UnknownTransport));
    let revision = "transport=polling&EIO=4&EIO=4";
    check(Get, revision, Absent, Err(ErrorCode::UnsupportedProtocolVersion));
    let query = Query::parse("sid=&sid=ada&sid=bob");
    assert_eq!(query.sid.as_deref(), Some(",ada,bob"));
}

#[test]
fn the_application_sees_all_parameters() {
    let pairs: Vec<_> = Query::pairs("EIO=4&name=ada%20l&flag&name=bob").collect();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(pairs, [("EIO", "4"), ("name", "ada l"), ("flag", ""), ("name", "bob")]);
}

#[test]
fn a_session_id_is_never_shown() {
    let query = Query::parse("EIO=4&transport=polling&sid=hushhush");
    let route = route(Get, &query, Absent);
    let shown = format!("{query:?} {route:?}");
    assert!(!shown.contains("hushhush"), "{shown}");
    assert!(shown.contains("Poll"), "{shown}");
}
