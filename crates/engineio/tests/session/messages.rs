//! The meaning of each packet on the current transport; a closed session stays silent.
//!
//! Packets are written as sent, with the digit first.

use super::*;

#[test]
fn a_message_hands_out_its_data() {
    for kind in [Polling, WebSocket] {
        let mut story = Story::of(kind);
        assert_eq!(story.packet(0, "42[\"hi\"]"), Received::Message("2[\"hi\"]"));
        assert_eq!(story.packet(0, "4"), Received::Message(""));
    }
}

#[test]
fn packets_that_only_a_server_sends_are_ignored() {
    for kind in [Polling, WebSocket] {
        let mut story = Story::of(kind);
        for packet in ["0{}", "5", "6", "3", "3probe"] {
            assert_eq!(story.packet(10, packet), Received::Nothing, "{packet}");
        }
        assert!(!story.session.is_closed());
        assert_eq!(story.session.transport(), kind);
        story.check_deadline(300);
    }
}

#[test]
fn a_close_packet_closes_at_once_on_both_transports() {
    for kind in [Polling, WebSocket] {
        let mut story = Story::of(kind);
        assert_eq!(story.packet(10, "1"), Received::Close(CloseReason::TransportClose));
        assert!(story.session.is_closed());
    }
}

#[test]
fn a_client_does_not_ping() {
    for packet in ["2", "2probe"] {
        let mut story = Story::of(WebSocket);
        assert_eq!(story.packet(10, packet), Received::Close(CloseReason::TransportError));
        assert!(story.session.is_closed());
    }
}

#[test]
fn nothing_comes_out_of_a_closed_session() {
    let mut story = Story::of(Polling);
    story.attach(0).expect("free to upgrade");
    story.session.close();
    assert!(story.session.is_closed());
    assert!(!story.session.is_upgrading());
    for packet in ["4hi", "1", "2", "3", "5"] {
        assert_eq!(story.packet(10, packet), Received::Nothing);
    }
    story.session.on_binary(story.at(10));
    assert_eq!(story.probe(10, "2probe"), Probe::Reject);
    assert_eq!(story.probe(10, "5"), Probe::Reject);
    assert_eq!(story.session.begin_poll(), Err(Refusal::Closed));
    assert_eq!(story.session.begin_post(), Err(Refusal::Closed));
    assert_eq!(story.attach(10), Err(Refusal::Closed));
    assert_eq!(story.tick(1_000_000), Tick::Nothing);
    assert!(story.session.deadline() > story.at(1_000_000_000), "no timer is left");
}
