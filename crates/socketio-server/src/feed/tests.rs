//! Positions, cursors and what a feed says of itself.

use super::*;

fn epoch(number: u64, start: u64) -> EpochStart {
    EpochStart { epoch: number.into(), start: start.into() }
}

/// A feed over a log with two earlier epochs, at 100.
fn feed(ahead_wait: Option<Duration>) -> Feed {
    let epochs = vec![epoch(7, 0), epoch(3, 50), epoch(9, 80)];
    let (log, head) = (LogNumber::from(2), FeedPosition::new(100));
    Feed::new(FeedConfig { log, epochs, head, ahead_wait, ..FeedConfig::in_memory() })
}

/// The same with keys that the test knows.
fn keyed(keys: Keys) -> Feed {
    let epochs = vec![epoch(7, 0), epoch(3, 50), epoch(9, 80)];
    let (log, head) = (LogNumber::from(2), FeedPosition::new(100));
    Feed::new(FeedConfig { log, epochs, head, keys, ..FeedConfig::in_memory() })
}

fn place(feed: &Feed, log: u64, epoch: u64, position: u64) -> CursorAt {
    let offset = Offset { log, epoch, position };
    assert_eq!(feed.position_of_cursor(&offset.to_string()), feed.place_of(&offset));
    feed.place_of(&offset)
}

#[test]
fn a_cursor_is_known_up_to_the_start_of_the_next_epoch() {
    let feed = feed(None);
    for (epoch, last) in [(7, 50), (3, 80), (9, 100)] {
        for position in [0, 1, last - 1, last] {
            assert_eq!(
                place(&feed, 2, epoch, position),
                CursorAt::Known(position.into()),
                "{epoch}: {position}"
            );
        }
        assert_eq!(place(&feed, 2, epoch, last + 1), CursorAt::Foreign, "{epoch}");
    }
    assert_eq!(place(&feed, 2, 8, 1), CursorAt::Foreign);
    assert_eq!(place(&feed, 1, 9, 1), CursorAt::Foreign);
    assert_eq!(feed.position_of_cursor("no cursor"), CursorAt::Foreign);
}

#[test]
fn only_a_cursor_of_the_current_epoch_can_be_ahead() {
    let feed = feed(Some(Duration::from_secs(1)));
    assert_eq!(place(&feed, 2, 9, 100), CursorAt::Known(FeedPosition::new(100)));
    assert_eq!(place(&feed, 2, 9, 101), CursorAt::Ahead(FeedPosition::new(101)));
    assert_eq!(place(&feed, 2, 3, 81), CursorAt::Foreign);
    assert_eq!(place(&feed, 1, 9, 101), CursorAt::Foreign);
}

#[test]
fn a_feed_has_reached_its_head_and_the_newest_anchor() {
    let feed = feed(None);
    assert!(feed.has_reached(FeedPlace::Position(100.into())));
    assert!(!feed.has_reached(FeedPlace::Position(101.into())));
    // Without an anchor nobody can tell.
    assert!(feed.has_reached(FeedPlace::Anchor(Anchor::MAX)));
    feed.publish(101, vec![FeedEntry::silent().with_anchor(7)], Vec::new());
    assert!(feed.has_reached(FeedPlace::Anchor(7.into())));
    assert!(!feed.has_reached(FeedPlace::Anchor(8.into())));
    assert!(feed.has_reached(FeedPlace::Position(101.into())));
}

#[test]
fn an_offset_names_the_log_the_current_epoch_and_the_position() {
    let keys = Keys::new([1; 32]);
    let feed = keyed(keys.clone());
    let offset = feed.offset(37);
    assert_eq!(offset, keys.seal(&Offset { log: 2, epoch: 9, position: 37 }));
    assert_eq!(feed.position_of_cursor(&offset), CursorAt::Known(37.into()));
}

#[test]
fn a_feed_opens_what_its_retired_keys_have_sealed_and_nothing_else() {
    let offset = keyed(Keys::new([1; 32])).offset(37);
    let place = |keys| keyed(keys).position_of_cursor(&offset);
    let retired = Keys::new([2; 32]).with_retired([3; 32]).with_retired([1; 32]);
    assert_eq!(place(retired), CursorAt::Known(37.into()));
    assert_eq!(place(Keys::new([2; 32]).with_retired([3; 32])), CursorAt::Foreign);
    assert_eq!(place(Keys::new([2; 32])), CursorAt::Foreign);
}

#[test]
fn a_private_id_is_known_by_the_feed_that_signed_it() {
    let (feed, other) = (feed(None), feed(None));
    let (socket, lineage) = (SocketId::from_bytes([1; 15]), Lineage::from_bytes([2; 16]));
    let user = UserTag::new(5);
    let pid = feed.sign(socket, lineage, user, FeedPosition::new(42));
    let offset = Offset { log: 2, epoch: 9, position: 42 };
    assert_eq!(
        feed.verify(&pid),
        Some(PrivateId { socket, lineage, user: user.map(UserTag::number), offset })
    );
    assert_eq!(other.verify(&pid), None);
}

#[test]
fn only_an_entry_without_a_frame_is_silent() {
    assert!(FeedEntry::silent().is_silent());
    assert!(!FeedEntry::new(Selection::everyone(), Frame::text("2[]")).is_silent());
}

#[test]
fn positions_count_entries() {
    let (start, five) = (FeedPosition::START, FeedPosition::new(5));
    assert_eq!((five.since(start), start.since(five), five.since(five)), (5, 0, 0));
    assert_eq!((five.before(), start.before()), (FeedPosition::new(4), start));
    assert_eq!((five + 3, five - 3), (FeedPosition::new(8), FeedPosition::new(2)));
    assert_eq!(five.onward().take(3).map(FeedPosition::get).collect::<Vec<_>>(), [5, 6, 7]);
    let mut moved = five;
    moved += 3;
    assert_eq!((moved.get(), moved.to_string().as_str()), (8, "8"));
    assert_eq!((LogNumber::from(4).get(), FeedEpoch::from(4).get(), Anchor::from(4).get()), (4, 4, 4));
    let room = FeedRoom::since("garden", 5);
    assert_eq!(room.entered(), ("garden".into(), FeedPosition::new(4)));
    assert_eq!(FeedRoom::new("garden").since, start);
}

#[test]
fn debug_output_shows_numbers_and_no_key() {
    let numbers = (FeedPosition::new(1), Anchor::from(2), LogNumber::from(3), FeedEpoch::from(4));
    assert_eq!(format!("{numbers:?}"), "(1, 2, 3, 4)");
    assert_eq!(
        format!("{:?}", feed(None)),
        "Feed { epoch: EpochStart { epoch: 9, start: 80 }, head: 100, .. }"
    );
    assert!(format!("{:?}", FeedConfig::in_memory()).contains("keys: Keys { retired: 0, .. }"));
}

/// They are in the documentation, and programs rely on them.
#[test]
fn a_feed_in_memory_has_the_bounds_of_the_documentation() {
    let config = FeedConfig::in_memory();
    assert_eq!(config.parked_for, Duration::from_mins(2));
    assert_eq!((config.ring_bytes_max, config.recovery_entries_max), (16 * 1024 * 1024, 2_000));
    assert_eq!((config.recovery_bytes_max, config.ahead_clients_max), (1_000_000, 1_024));
    assert!(config.history.is_none() && config.ahead_wait.is_none());
    assert_ne!(config.epochs, FeedConfig::in_memory().epochs);
}
