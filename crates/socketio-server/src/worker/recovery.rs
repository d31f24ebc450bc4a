//! Returning to a socket: [`Claim`], what a client says about its old socket, and [`Past`], how that fits the feed.

use socketio::PrivateId;

use crate::feed::{CursorAt, Feed, FeedPosition};
use crate::handle::connect::{Auth, RecoveryAuth};
use crate::user_tag::UserTag;

/// A private id that we signed, and how far its client has seen.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) pid: String,
    pub(crate) id: PrivateId,
    /// The only user for whom the private id is valid, if it names one.
    pub(crate) user: Option<UserTag>,
    /// The position to continue from; foreign if the offset says nothing about what was seen.
    pub(crate) seen: CursorAt,
}

/// What a client says about the feed, compared with the feed's epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// Nothing that it says contradicts them.
    Shared,
    /// It has seen entries up to this position, which this feed does not have yet.
    Ahead(FeedPosition),
    /// It has seen entries that are no longer in this feed, or of another feed: a backup was restored.
    Other,
}

impl Past {
    /// Judges `auth`, whoever signed its private id: the question is which numbers can be believed, not who asks.
    pub(crate) fn of(auth: &Auth, feed: &Feed) -> Self {
        let RecoveryAuth { pid, offset } = RecoveryAuth::of(auth);
        let told =
            offset.filter(|offset| feed.is_offset(offset)).map(|offset| feed.position_of_cursor(&offset));
        let signed = || pid.and_then(|pid| feed.verify(&pid)).map(|id| feed.place_of(&id.offset));
        match told.or_else(signed) {
            Some(CursorAt::Foreign) => Self::Other,
            Some(CursorAt::Ahead(position)) => Self::Ahead(position),
            Some(CursorAt::Known(_)) | None => Self::Shared,
        }
    }
}

impl Claim {
    /// The claim in `auth`, if we signed it.
    pub(crate) fn of(auth: &Auth, feed: &Feed) -> Option<Self> {
        let RecoveryAuth { pid, offset } = RecoveryAuth::of(auth);
        let pid = pid?;
        let id = feed.verify(&pid)?;
        // A malformed offset came from an event that we did not stamp. The offset inside the private id is older, so it
        // is safe only if nothing was seen since. That is not known, so the socket replays.
        let seen = match offset {
            None => feed.place_of(&id.offset),
            Some(offset) => feed.position_of_cursor(&offset),
        };
        let user = id.user.map(UserTag::from);
        Some(Self { pid, id, user, seen })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use socketio::Offset;

    use super::*;
    use crate::feed::{EpochStart, FeedConfig};

    /// A feed of 80 entries that was taken back to 50 once.
    fn restored(ahead_wait: Option<Duration>) -> Feed {
        let epochs = vec![
            EpochStart { epoch: 7.into(), start: 0.into() },
            EpochStart { epoch: 9.into(), start: 50.into() },
        ];
        Feed::new(FeedConfig {
            log: 1.into(),
            epochs,
            head: 80.into(),
            ahead_wait,
            ..FeedConfig::in_memory()
        })
    }

    fn past(auth: &serde_json::Value) -> Past {
        Past::of(&Auth(Arc::from(auth.to_string())), &restored(None))
    }

    fn auth_of(epoch: u64, position: u64) -> serde_json::Value {
        let offset = Offset { log: 1, epoch, position };
        serde_json::json!({ "pid": "signed elsewhere", "offset": offset.to_string(), "serverOffset": 60 })
    }

    fn past_of(epoch: u64, position: u64) -> Past {
        past(&auth_of(epoch, position))
    }

    /// The same where other nodes append to the log.
    fn shared_past_of(epoch: u64, position: u64) -> Past {
        let auth = Auth(Arc::from(auth_of(epoch, position).to_string()));
        Past::of(&auth, &restored(Some(Duration::from_secs(2))))
    }

    #[test]
    fn a_client_that_another_node_has_shown_more_is_ahead_in_the_present_epoch_alone() {
        assert_eq!(shared_past_of(9, 80), Past::Shared);
        assert_eq!(shared_past_of(9, 81), Past::Ahead(81.into()));
        assert_eq!(shared_past_of(9, u64::MAX), Past::Ahead(u64::MAX.into()));
        assert_eq!(shared_past_of(7, 50), Past::Shared);
        assert_eq!(shared_past_of(7, 51), Past::Other);
        assert_eq!(shared_past_of(8, 81), Past::Other);
    }

    #[test]
    fn who_saw_what_was_taken_back_has_another_past() {
        assert_eq!(past_of(7, 50), Past::Shared);
        assert_eq!(past_of(7, 51), Past::Other);
        assert_eq!(past_of(9, 80), Past::Shared);
        assert_eq!(past_of(9, 81), Past::Other);
    }

    #[test]
    fn an_epoch_that_the_feed_never_had_is_another_past() {
        assert_eq!(past_of(8, 1), Past::Other);
    }

    #[test]
    fn an_offset_that_is_none_says_nothing() {
        for auth in [
            serde_json::json!({}),
            serde_json::json!({ "pid": "?" }),
            serde_json::json!({ "offset": "hi" }),
            serde_json::json!({ "offset": 1 }),
        ] {
            assert_eq!(past(&auth), Past::Shared, "{auth}");
        }
    }
}
