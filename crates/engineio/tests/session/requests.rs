//! GET and POST: one of each at a time, and only while the session polls.
//!
//! The driver answers the requests; here it is decided which are accepted.

use super::*;

#[test]
fn one_poll_and_one_post_go_side_by_side() {
    let mut story = Story::of(Polling);
    assert_eq!(story.session.begin_poll(), Ok(()));
    assert!(story.session.has_poll());
    assert_eq!(story.session.begin_post(), Ok(()));
    story.session.end_post();
    assert!(story.session.has_poll());
    story.session.end_poll();
    assert!(!story.session.has_poll());
}

#[test]
fn requests_may_follow_one_another() {
    let mut story = Story::of(Polling);
    for _ in 0..3 {
        assert_eq!(story.session.begin_poll(), Ok(()));
        story.session.end_poll();
        assert_eq!(story.session.begin_post(), Ok(()));
        story.session.end_post();
    }
    assert!(!story.session.is_closed());
}

#[test]
fn a_second_poll_ends_the_session_and_leaves_the_first_to_be_answered() {
    let mut story = Story::of(Polling);
    assert_eq!(story.session.begin_poll(), Ok(()));
    assert_eq!(story.session.begin_poll(), Err(Refusal::Overlap));
    assert!(story.session.is_closed());
    assert!(story.session.has_poll(), "the driver answers it with a close packet");
    assert_eq!(story.session.begin_poll(), Err(Refusal::Closed));
}

#[test]
fn a_second_post_ends_the_session() {
    let mut story = Story::of(Polling);
    assert_eq!(story.session.begin_post(), Ok(()));
    assert_eq!(story.session.begin_post(), Err(Refusal::Overlap));
    assert!(story.session.is_closed());
    assert_eq!(story.packet(10, "4of the first post"), Received::Nothing);
}

#[test]
fn a_session_on_a_websocket_takes_no_requests_and_lives() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.session.begin_poll(), Err(Refusal::WrongTransport));
    assert_eq!(story.session.begin_post(), Err(Refusal::WrongTransport));
    assert!(!story.session.is_closed());
    assert!(!story.session.has_poll());
}

#[test]
fn ending_what_never_began_is_harmless() {
    let mut story = Story::of(Polling);
    story.session.end_poll();
    story.session.end_post();
    story.session.abort_upgrade();
    assert_eq!(story.session.begin_poll(), Ok(()));
}
