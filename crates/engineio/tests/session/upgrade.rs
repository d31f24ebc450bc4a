//! The upgrade from polling to WebSocket, and every way in which it can fail.
//!
//! Polling must survive each of them except the missing pong.

use super::*;

#[test]
fn the_whole_dance() {
    let mut story = Story::of(Polling);
    assert_eq!(story.session.begin_poll(), Ok(()));

    assert_eq!(story.attach(10), Ok(()));
    assert!(story.session.is_upgrading());
    assert!(!story.session.releases_polls(), "polls wait as ever until the probe");

    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    assert!(!story.session.releases_polls(), "a message may still want to leave by it");
    story.check_deadline(60);
    assert_eq!(story.tick(59), Tick::Nothing);
    assert_eq!(story.tick(60), Tick::ReleasePoll);
    assert!(story.session.releases_polls());
    assert!(story.session.has_poll(), "the driver releases it");
    story.session.end_poll();
    assert_eq!(story.tick(60), Tick::Nothing, "it is said once");
    assert_eq!(story.session.transport(), Polling);

    assert_eq!(story.probe(70, "5"), Probe::Switch);
    assert_eq!(story.session.transport(), WebSocket);
    assert!(!story.session.is_upgrading());
    assert!(!story.session.releases_polls());
    assert_eq!(story.packet(80, "4by websocket"), Received::Message("by websocket"));
}

#[test]
fn requests_are_taken_until_the_last_packet_of_the_upgrade_and_refused_after_it() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    for _ in 0..2 {
        assert_eq!(story.session.begin_poll(), Ok(()));
        story.session.end_poll();
        assert_eq!(story.session.begin_post(), Ok(()));
        assert_eq!(story.packet(25, "4by post"), Received::Message("by post"));
        story.session.end_post();
    }
    assert_eq!(story.probe(30, "5"), Probe::Switch);
    assert_eq!(story.session.begin_poll(), Err(Refusal::WrongTransport));
    assert_eq!(story.session.begin_post(), Err(Refusal::WrongTransport));
    assert!(!story.session.is_closed());
}

#[test]
fn a_poll_that_waits_at_the_switch_is_still_to_be_released() {
    let mut story = Story::of(Polling);
    assert_eq!(story.session.begin_poll(), Ok(()));
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "5"), Probe::Switch, "a client may skip the probe");
    assert!(story.session.has_poll());
    story.session.end_poll();
    assert!(!story.session.has_poll());
}

#[test]
fn a_post_that_began_before_the_switch_is_still_read() {
    let mut story = Story::of(Polling);
    assert_eq!(story.session.begin_post(), Ok(()));
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    assert_eq!(story.probe(30, "5"), Probe::Switch);
    assert_eq!(story.packet(40, "4late"), Received::Message("late"));
    story.session.end_post();
}

#[test]
fn a_repeated_probe_is_answered_again_and_wins_no_time() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    assert_eq!(story.probe(50, "2probe"), Probe::Answer);
    story.check_deadline(60);
    assert_eq!(story.tick(60), Tick::ReleasePoll);
    assert_eq!(story.probe(90, "2probe"), Probe::Answer);
    assert!(story.session.releases_polls(), "polls go on being released");
    story.check_deadline(110);
}

#[test]
fn anything_else_on_the_probing_websocket_closes_only_that() {
    for packet in ["2", "2probes", "2Probe", "3probe", "3", "4hi", "0{}", "1", "6", "6probe"] {
        for probed in ["not probed", "probed"] {
            let mut story = Story::of(Polling);
            assert_eq!(story.session.begin_poll(), Ok(()));
            assert_eq!(story.attach(10), Ok(()));
            if probed == "probed" {
                assert_eq!(story.probe(15, "2probe"), Probe::Answer);
            }
            assert_eq!(story.probe(20, packet), Probe::Reject, "{packet} {probed}");
            assert!(!story.session.is_closed());
            assert!(!story.session.is_upgrading());
            assert!(!story.session.releases_polls());
            assert!(story.session.has_poll());
            assert_eq!(story.session.transport(), Polling);
            assert_eq!(story.packet(30, "4polling goes on"), Received::Message("polling goes on"));
        }
    }
}

#[test]
fn packets_after_a_rejected_one_are_rejected_too() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "4hi"), Probe::Reject);
    assert_eq!(story.probe(20, "2probe"), Probe::Reject);
    assert_eq!(story.probe(20, "5"), Probe::Reject);
    assert_eq!(story.session.transport(), Polling);
}

#[test]
fn a_second_websocket_is_refused_while_one_probes_and_after_the_switch() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.attach(11), Err(Refusal::WrongTransport));
    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    assert_eq!(story.attach(21), Err(Refusal::WrongTransport));
    assert_eq!(story.probe(30, "5"), Probe::Switch, "the first one is not disturbed");
    assert_eq!(story.attach(31), Err(Refusal::WrongTransport));
    assert!(!story.session.is_closed());
}

#[test]
fn a_session_that_opened_on_a_websocket_is_never_upgraded() {
    let mut story = Story::of(WebSocket);
    assert_eq!(story.attach(10), Err(Refusal::WrongTransport));
    assert_eq!(story.probe(10, "5"), Probe::Reject);
}

#[test]
fn a_lost_websocket_may_be_followed_by_another() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    story.session.abort_upgrade();
    assert!(!story.session.is_upgrading());
    assert!(!story.session.releases_polls());
    story.check_deadline(300);
    assert_eq!(story.attach(50), Ok(()));
    assert_eq!(story.probe(60, "2probe"), Probe::Answer);
    assert_eq!(story.probe(70, "5"), Probe::Switch);
}

#[test]
fn aborting_after_the_switch_changes_nothing() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(30, "5"), Probe::Switch);
    story.session.abort_upgrade();
    assert_eq!(story.session.transport(), WebSocket);
}

#[test]
fn an_upgrade_that_takes_too_long_is_aborted_and_polling_survives() {
    for probed in ["not probed", "probed"] {
        let mut story = Story::of(Polling);
        assert_eq!(story.attach(10), Ok(()));
        if probed == "probed" {
            assert_eq!(story.probe(100, "2probe"), Probe::Answer);
        }
        story.check_deadline(110);
        assert_eq!(story.tick(109), Tick::Nothing);
        assert_eq!(story.tick(110), Tick::AbortUpgrade);
        assert!(!story.session.is_upgrading());
        assert!(!story.session.is_closed());
        assert_eq!(story.tick(110), Tick::Nothing);
        story.check_deadline(300);
        assert_eq!(story.probe(111, "5"), Probe::Reject);
        assert_eq!(story.session.begin_poll(), Ok(()));
    }
}

#[test]
fn a_ping_waits_for_the_end_of_the_upgrade() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(250), Ok(()));
    story.check_deadline(350);
    assert_eq!(story.tick(310), Tick::Nothing);
    assert_eq!(story.probe(320, "2probe"), Probe::Answer);
    assert_eq!(story.tick(325), Tick::Nothing);
    assert_eq!(story.probe(330, "5"), Probe::Switch);
    story.check_deadline(300);
    assert_eq!(story.tick(330), Tick::SendPing);
    story.check_deadline(530);
}

#[test]
fn a_ping_that_waited_goes_out_when_the_upgrade_is_aborted() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(250), Ok(()));
    assert_eq!(story.tick(400), Tick::AbortUpgrade);
    assert_eq!(story.tick(400), Tick::SendPing);
    assert_eq!(story.tick(400), Tick::Nothing);
    story.check_deadline(600);
}

#[test]
fn an_upgrade_starts_no_second_heartbeat() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    assert_eq!(story.probe(20, "2probe"), Probe::Answer);
    assert_eq!(story.probe(30, "5"), Probe::Switch);
    story.check_deadline(300);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.packet(310, "3"), Received::Nothing);
    assert_eq!(story.tick(600), Tick::Nothing);
    assert_eq!(story.tick(610), Tick::SendPing);
}

#[test]
fn a_ping_sent_by_polling_may_be_answered_by_post_while_the_websocket_probes() {
    let mut story = Story::of(Polling);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.attach(310), Ok(()));
    story.check_deadline(410);
    assert_eq!(story.packet(320, "3"), Received::Nothing);
    assert_eq!(story.probe(330, "5"), Probe::Switch);
    story.check_deadline(620);
}

#[test]
fn a_ping_sent_by_polling_may_be_answered_by_websocket() {
    let mut story = Story::of(Polling);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.attach(310), Ok(()));
    assert_eq!(story.probe(320, "2probe"), Probe::Answer);
    assert_eq!(story.probe(330, "5"), Probe::Switch);
    story.check_deadline(530);
    assert_eq!(story.packet(500, "3"), Received::Nothing);
    story.check_deadline(800);
}

#[test]
fn a_missing_pong_closes_also_while_a_websocket_probes() {
    let mut story = Story::of(Polling);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.attach(450), Ok(()));
    story.check_deadline(500);
    assert_eq!(story.tick(500), Tick::Close(CloseReason::PingTimeout));
    assert!(!story.session.is_upgrading());
}

#[test]
fn of_two_missed_deadlines_the_upgrade_is_reported_first() {
    let mut story = Story::of(Polling);
    assert_eq!(story.tick(300), Tick::SendPing);
    assert_eq!(story.attach(350), Ok(()));
    assert_eq!(story.tick(900), Tick::AbortUpgrade);
    assert_eq!(story.tick(900), Tick::Close(CloseReason::PingTimeout));
    assert_eq!(story.tick(900), Tick::Nothing);
}

#[test]
fn the_upgrade_packet_counts_only_on_the_probing_websocket() {
    let mut story = Story::of(Polling);
    assert_eq!(story.attach(10), Ok(()));
    let upgrade = TextPacket { kind: PacketKind::Upgrade, data: "" };
    let now = story.at(20);
    assert_eq!(story.session.on_packet(upgrade, &story.config, now), Received::Nothing);
    assert_eq!(story.session.transport(), Polling);
    assert!(story.session.is_upgrading());
}
