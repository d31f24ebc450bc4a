//! [`Polls`] and [`Posts`]: distinguish repeated requests from new ones, so that nothing is lost and nothing counts
//! twice.
//!
//! HTTP clients and proxies repeat a request by themselves if its connection broke before the answer. A repeated GET
//! means that the answer before it was lost; a repeated POST carries packets that were accepted already. Either ends
//! the session.
//!
//! A repeat has the mark of the request before it (see [`RequestMark`]). Random marks are never equal otherwise. Marks
//! from a clock may be: on Windows, Python before 3.13 has a clock that ticks every 15.6 ms, and two requests within
//! one tick have the same mark. The connection does not distinguish the two cases, because a proxy repeats on any
//! connection and keeps its own ones open. So:
//!
//! - A POST with another body than the one before is new. One with the same mark and the same body counts as a repeat.
//! - A GET after an answer without events is new: nothing was lost.
//! - An answer with events that goes out within one tick of such a clock ends with a ping with a number, which python-engineio
//!   puts into its pong. If the next GET has the same mark, it is held and gets nothing until that pong has come, which proves
//!   that the answer has arrived. Without the pong it was a repeat.
//! - An answer that went out later needs no ping: the next GET cannot be within the same tick, and the same mark is a repeat.
//!
//! Two cases remain: a client that sends the same body twice within one tick, and one that is too slow with its pong.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use crate::http::cache_buster::RequestMark;
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};

/// More than one tick of the coarsest clock: a GET after an answer later than this is not within the same tick.
const TICK_MAX: Duration = Duration::from_millis(50);

/// Two requests that have the same mark because of one tick arrive within this time, unless the network held one up.
const APART_MAX: Duration = Duration::from_secs(1);

/// The prefix of a ping's number. python-engineio returns data that begins with a letter unchanged.
const RECEIPT: &str = "r";

/// The number in the data of a pong, if it answers such a ping.
fn receipt(data: &str) -> Option<u32> {
    data.strip_prefix(RECEIPT)?.parse().ok()
}

/// The content of an answer to a GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// A noop or a close.
    Nothing,
    Messages,
    /// Messages, and no space for another packet.
    Full,
}

/// How long a GET waits for the proof that the answer before it has arrived.
const DOUBT_MAX: Duration = Duration::from_secs(3);

/// The kind of a request, compared with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    New,
    /// New or a repeat: it must not be answered until that is known.
    Doubtful,
    Repeat,
}

/// What the last answer to a GET says about the next GET with the same mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Receipt {
    /// If it was lost, nothing is lost.
    #[default]
    Needless,
    /// Its ping has this number, and no pong has arrived.
    Awaited(u32),
    /// It has arrived.
    Proved,
    /// Nothing will prove that it has arrived.
    None,
}

/// The GETs of a session.
#[derive(Default)]
pub(crate) struct Polls {
    mark: Option<RequestMark>,
    arrived: Option<Instant>,
    receipt: Receipt,
    /// The number of the last ping that asks for proof.
    number: u32,
    /// The held GET, or the next one, is in doubt until then.
    doubtful_until: Option<Instant>,
}

impl Polls {
    /// Notes a GET, and returns its kind.
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

    /// Notes that the held GET is answered. Returns the ping that must end the answer.
    pub(crate) fn answered(&mut self, contents: Contents, now: Instant) -> Option<String> {
        // While in doubt, only a noop or a close is sent, and the answer before is still the one in question.
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

    /// Whether a pong with this data answers a ping of this kind, of whatever time.
    pub(crate) fn is_receipt(data: &str) -> bool {
        receipt(data).is_some()
    }

    /// Notes a pong with its data. Returns whether it ends a doubt.
    pub(crate) fn ponged(&mut self, data: &str) -> bool {
        if receipt(data).is_none_or(|number| self.receipt != Receipt::Awaited(number)) {
            return false;
        }
        self.receipt = Receipt::Proved;
        let is_new = self.doubtful_until.take().is_some();
        if is_new {
            rare::reached(Rare::PollProvedNew);
        }
        is_new
    }

    /// The mark of the last GET.
    pub(crate) fn mark(&self) -> Option<&RequestMark> {
        self.mark.as_ref()
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful_until.is_some()
    }

    /// A doubt lasts as long again.
    pub(crate) fn doubt_longer(&mut self, now: Instant) {
        self.doubtful_until = self.doubtful_until.map(|_| now + DOUBT_MAX);
    }

    /// When a doubt counts as a repeat.
    pub(crate) fn doubtful_until(&self) -> Option<Instant> {
        self.doubtful_until
    }
}

/// The POSTs of a session.
#[derive(Default)]
pub(crate) struct Posts {
    mark: Option<RequestMark>,
    /// A hash of the last accepted body.
    body: Option<u64>,
    is_suspect: bool,
}

impl Posts {
    /// Notes a POST whose body has not arrived.
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

    /// Notes its body. Returns whether it was accepted before.
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
