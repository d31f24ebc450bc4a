//! Pings, pongs, and the one other packet that restarts the timeout.
//!
//! Each test looks at a deadline: it moved, or it did not.

use super::*;

#[test]
fn the_first_ping_is_due_after_the_interval() {
    for kind in [Polling, WebSocket] {
        let mut story = Story::of(kind);
        story.check_deadline(300);
        assert_eq!(story.tick(299), Tick::Nothing);
        assert_eq!(story.tick(300), Tick::SendPing);
        assert_eq!(story.tick(300), Tick::Nothing, "one ping is enough");
        story.check_deadline(500);
    }
}

#[test]
fn the_next_ping_is_counted_from_the_pong() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.packet(450, "3"), Received::Nothing);
    story.check_deadline(750);
    assert_eq!(story.tick(749), Tick::Nothing);
    assert_eq!(story.tick(750), Tick::SendPing);
}

#[test]
fn a_missing_pong_closes() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.tick(499), Tick::Nothing);
    assert_eq!(story.tick(500), Tick::Close(CloseReason::PingTimeout));
    assert!(story.session.is_closed());
    assert_eq!(story.tick(500), Tick::Nothing);
}

#[test]
fn a_late_tick_still_grants_the_whole_timeout() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(5_000), Tick::SendPing);
    story.check_deadline(5_200);
    assert_eq!(story.tick(5_000), Tick::Nothing);
}

#[test]
fn a_tick_that_is_a_little_late_moves_no_timeout() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(320), Tick::SendPing);
    story.check_deadline(500);
}

#[test]
fn a_pong_that_comes_before_the_late_tick_counts() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.packet(600, "3"), Received::Nothing);
    assert_eq!(story.tick(600), Tick::Nothing);
    story.check_deadline(900);
}

#[test]
fn an_unsolicited_pong_puts_nothing_off() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.packet(290, "3"), Received::Nothing);
    story.check_deadline(300);
}

#[test]
fn a_message_does_not_put_off_the_ping() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.packet(290, "4hi"), Received::Message("hi"));
    story.session.on_binary(story.at(295));
    story.check_deadline(300);
}

#[test]
fn one_other_packet_starts_the_timeout_anew_and_a_second_does_not() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.packet(450, "4part one"), Received::Message("part one"));
    story.check_deadline(650);
    assert_eq!(story.packet(640, "4part two"), Received::Message("part two"));
    story.session.on_binary(story.at(645));
    story.check_deadline(650);
    assert_eq!(story.tick(650), Tick::Close(CloseReason::PingTimeout));
}

#[test]
fn a_binary_message_is_a_sign_of_life_too() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    story.session.on_binary(story.at(499));
    story.check_deadline(699);
}

#[test]
fn every_ping_has_a_grace_of_its_own() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.packet(400, "4a"), Received::Message("a"));
    assert_eq!(story.packet(500, "3"), Received::Nothing);
    assert_eq!(story.tick(800), Tick::SendPing);
    assert_eq!(story.packet(900, "4b"), Received::Message("b"));
    story.check_deadline(1_100);
}

#[test]
fn a_second_pong_to_one_ping_is_unsolicited() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.packet(310, "3"), Received::Nothing);
    assert_eq!(story.packet(400, "3"), Received::Nothing);
    story.check_deadline(610);
}

#[test]
fn durations_without_end_do_not_overflow() {
    let config = Config {
        ping_interval: Duration::MAX,
        ping_timeout: Duration::MAX,
        upgrade_timeout: Duration::MAX,
        poll_release_delay: Duration::MAX,
        max_payload: usize::MAX,
    };
    let now = Instant::now();
    let mut session = Session::open(Polling, &config, now);
    let first = session.deadline();
    assert_eq!(session.on_deadline(&config, first), Tick::SendPing);
    assert_eq!(session.begin_upgrade(&config, first), Ok(()));
    assert!(session.deadline() > first);
    session.close();
    assert!(session.deadline() > first);
}
