//! [`Polls`] and [`Posts`]: tell a request that was sent again from a new one, so that nothing is lost and nothing is taken twice.
//!
//! HTTP clients and proxies send a request again by themselves when its connection died before the answer. A repeated GET
//! means that the answer before it was lost; a repeated POST brings what has been taken. Either ends the session.
//!
//! A repeat has the mark of the request before it (see [`RequestMark`]). Marks of chance are never equal otherwise. Marks of a clock
//! may be: Windows moves the clock of Python before 3.13 every 15.6 ms, and two requests within one tick are then marked alike.
//! The connection does not tell the two cases apart, because a proxy repeats on any connection and keeps its own ones open. So:
//!
//! - A POST with another body than the one before is new. One with the same mark and the same body counts as a repeat.
//! - A GET after an answer without events is new: nothing was lost.
//! - An answer with events that goes out within one tick of such a clock ends with a ping with a number, which python-engineio
//!   puts into its pong. If the next GET has the same mark, it is held and gets nothing until that pong has come, which proves
//!   that the answer has arrived. Without the pong it was a repeat.
//! - An answer that went out later needs no ping: the next GET cannot be within the same tick, and the same mark is a repeat.
//!
//! What is left is a client that sends the same body twice within one tick, or that is too slow with its pong.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use crate::http::cache_buster::RequestMark;
use crate::planted::{self, Bug};

/// More than one tick of the coarsest clock: an answer that goes out later cannot be followed by a GET within the same tick.
const TICK_MAX: Duration = Duration::from_millis(50);

/// Two requests that one tick has marked alike arrive within this time, or the network held one up.
const APART_MAX: Duration = Duration::from_secs(1);

/// Before the number of a ping. python-engineio takes data that begins with a letter as it is.
const RECEIPT: &str = "r";

/// What an answer to a GET holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// A noop or a close.
    Nothing,
    Messages,
    /// Messages, and no room for another packet.
    Full,
}

/// How long a GET waits for the proof that the answer before it has arrived.
const DOUBT_MAX: Duration = Duration::from_secs(3);

/// What a request is, seen beside the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    New,
    /// New or a repeat: nothing may be answered until that is known.
    Doubtful,
    Repeat,
}

/// What the last answer to a GET tells of the next GET with the same mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Receipt {
    /// Nothing is lost if the answer was.
    #[default]
    Needless,
    /// Its ping has this number and no pong yet.
    Awaited(u32),
    /// It has arrived.
    Proved,
    /// Nothing will prove its arrival.
    None,
}

/// The GETs of a session.
#[derive(Default)]
pub(crate) struct Polls {
    mark: Option<RequestMark>,
    arrived: Option<Instant>,
    receipt: Receipt,
    /// Of the last ping that asks for a receipt.
    number: u32,
    /// The GET that is held, or the one that comes next, is in doubt until then.
    doubtful_until: Option<Instant>,
}

impl Polls {
    /// Notes a GET.
    pub(crate) fn begin(&mut self, mark: Option<RequestMark>, now: Instant) -> Begun {
        if self.is_doubtful() {
            return Begun::Doubtful;
        }
        let is_same = mark.is_some() && self.mark == mark && !planted::is(Bug::TakesRepeats);
        let is_coarse = mark.as_ref().is_some_and(RequestMark::is_of_clock);
        let is_soon = self.arrived.is_some_and(|arrived| now.saturating_duration_since(arrived) <= APART_MAX);
        (self.mark, self.arrived) = (mark, Some(now));
        match self.receipt {
            _ if !is_same => Begun::New,
            _ if !is_coarse => Begun::Repeat,
            Receipt::Needless => Begun::New,
            Receipt::Proved if is_soon => Begun::New,
            Receipt::Awaited(_) if is_soon && planted::is(Bug::BelievesMarks) => Begun::New,
            Receipt::Awaited(_) if planted::is(Bug::DistrustsMarks) => Begun::Repeat,
            Receipt::Awaited(_) if is_soon => {
                self.doubtful_until = Some(now + DOUBT_MAX);
                Begun::Doubtful
            }
            Receipt::Awaited(_) | Receipt::Proved | Receipt::None => Begun::Repeat,
        }
    }

    /// Notes that the held GET is answered; returns the ping that has to stand at the end.
    pub(crate) fn answered(&mut self, contents: Contents, now: Instant) -> Option<String> {
        // In doubt only a noop or a close goes out, and the answer before is still the one in question.
        if self.is_doubtful() {
            return None;
        }
        let is_quick = self.arrived.is_some_and(|arrived| now.saturating_duration_since(arrived) <= TICK_MAX);
        let is_coarse = self.mark.as_ref().is_some_and(RequestMark::is_of_clock);
        match contents {
            Contents::Nothing => {
                self.receipt = Receipt::Needless;
                None
            }
            Contents::Messages if is_quick && is_coarse => {
                self.number = self.number.wrapping_add(1);
                self.receipt = Receipt::Awaited(self.number);
                Some(format!("2{RECEIPT}{}", self.number))
            }
            Contents::Messages | Contents::Full => {
                self.receipt = Receipt::None;
                None
            }
        }
    }

    /// Notes a pong with its data; true if it ends a doubt.
    pub(crate) fn ponged(&mut self, data: &str) -> bool {
        let number = data.strip_prefix(RECEIPT).and_then(|number| number.parse().ok());
        if number.is_none_or(|number| self.receipt != Receipt::Awaited(number)) {
            return false;
        }
        self.receipt = Receipt::Proved;
        self.doubtful_until.take().is_some()
    }

    /// The mark of the last GET.
    pub(crate) fn mark(&self) -> Option<&RequestMark> {
        self.mark.as_ref()
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful_until.is_some()
    }

    /// When doubt becomes certainty.
    pub(crate) fn doubtful_until(&self) -> Option<Instant> {
        self.doubtful_until
    }
}

/// The POSTs of a session.
#[derive(Default)]
pub(crate) struct Posts {
    mark: Option<RequestMark>,
    /// Of the last body that was taken.
    body: Option<u64>,
    is_suspect: bool,
}

impl Posts {
    /// Notes a POST whose body is still to come.
    pub(crate) fn begin(&mut self, mark: Option<RequestMark>) -> Begun {
        let is_same = mark.is_some() && self.mark == mark && !planted::is(Bug::TakesRepeats);
        self.is_suspect = is_same && mark.as_ref().is_some_and(RequestMark::is_of_clock);
        self.mark = mark;
        match (is_same, self.is_suspect) {
            (false, _) => Begun::New,
            (true, true) => Begun::Doubtful,
            (true, false) => Begun::Repeat,
        }
    }

    /// Notes its body; true if it has been taken before.
    pub(crate) fn is_repeat(&mut self, body: &[u8]) -> bool {
        if !self.mark.as_ref().is_some_and(RequestMark::is_of_clock) {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let hash = Some(hasher.finish());
        let is_taken = self.body == hash;
        self.body = hash;
        self.is_suspect && is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(tag: &str) -> RequestMark {
        RequestMark::Clock(tag.into())
    }

    #[test]
    fn the_same_mark_of_chance_is_a_repeat_whatever_was_answered() {
        for contents in [Contents::Messages, Contents::Nothing] {
            let (mut polls, now) = (Polls::default(), Instant::now());
            assert_eq!(polls.begin(Some(RequestMark::Chance("x".into())), now), Begun::New);
            assert_eq!(polls.answered(contents, now), None, "no clock, no ping");
            assert_eq!(polls.begin(Some(RequestMark::Chance("x".into())), now), Begun::Repeat);
            assert_eq!(polls.begin(None, now), Begun::New);
        }
    }

    #[test]
    fn after_an_answer_without_messages_the_same_time_is_new() {
        let (mut polls, now) = (Polls::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(polls.begin(Some(clock("1.5")), now), Begun::New);
            assert_eq!(polls.answered(Contents::Nothing, now), None);
        }
    }

    #[test]
    fn after_a_quick_answer_the_same_time_is_in_doubt_until_the_pong_of_that_answer() {
        let (mut polls, now) = (Polls::default(), Instant::now());
        polls.begin(Some(clock("0.5")), now);
        assert_eq!(polls.answered(Contents::Messages, now), Some("2r1".into()));
        polls.begin(Some(clock("1.5")), now);
        assert_eq!(polls.answered(Contents::Messages, now + TICK_MAX), Some("2r2".into()));
        assert_eq!(polls.begin(Some(clock("1.5")), now), Begun::Doubtful);
        assert_eq!(polls.doubtful_until(), Some(now + DOUBT_MAX));
        polls.answered(Contents::Nothing, now);
        assert_eq!(polls.begin(Some(clock("2.5")), now), Begun::Doubtful, "nothing has been proved yet");
        for other in ["", "r", "r1", "r3", "2", "probe"] {
            assert!(!polls.ponged(other), "{other}");
        }
        assert!(polls.ponged("r2") && !polls.is_doubtful());
        assert_eq!(polls.begin(Some(clock("2.5")), now), Begun::New);
    }

    #[test]
    fn a_pong_that_comes_before_the_next_request_leaves_no_doubt() {
        let (mut polls, now) = (Polls::default(), Instant::now());
        polls.begin(Some(clock("1.5")), now);
        polls.answered(Contents::Messages, now);
        assert!(!polls.ponged("r1"), "there was no doubt yet");
        assert_eq!(polls.begin(Some(clock("1.5")), now), Begun::New);
    }

    #[test]
    fn what_cannot_be_of_one_tick_is_a_repeat() {
        let (mut polls, now) = (Polls::default(), Instant::now());
        polls.begin(Some(clock("1.5")), now);
        assert_eq!(polls.answered(Contents::Messages, now + TICK_MAX * 2), None);
        assert_eq!(polls.begin(Some(clock("1.5")), now), Begun::Repeat, "answered too late for one tick");
        polls.begin(Some(clock("2.5")), now);
        polls.answered(Contents::Messages, now);
        polls.ponged("r1");
        assert_eq!(polls.begin(Some(clock("2.5")), now + APART_MAX * 2), Begun::Repeat, "it comes too late");
    }

    #[test]
    fn a_post_of_the_same_time_is_a_repeat_if_its_body_is() {
        let mut posts = Posts::default();
        let mut send = |mark: &str, body: &str| {
            posts.begin(Some(clock(mark)));
            posts.is_repeat(body.as_bytes())
        };
        assert!(!send("1.5", "a") && !send("1.5", "b") && !send("2.5", "b"));
        assert!(send("2.5", "b"));
    }
}
