//! [`Polling`]: what a session keeps for the requests of a polling client.
//!
//! It bounds one answer: in bytes, and in packets if the client is not known to take any number. A frame (an event with
//! its attachments) is never split. What does not fit stays in the outbound queue or behind the cursor, until the next
//! poll.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use engineio::PayloadWriter;
use tokio::sync::oneshot;

use crate::frame::Frame;
use crate::handle::command::PollAnswer;
use crate::occupancy::Visits;
use crate::sid::PollNumber;
use crate::worker::session::repeats::{Contents, Polls, Posts};

/// About how many bytes go into the answer to one poll.
const POLL_BYTES_MAX: usize = 1 << 20;

pub(crate) struct Polling {
    pub(crate) polls: Polls,
    pub(crate) posts: Posts,
    /// How many packets one answer may have.
    pub(crate) packets_max: usize,
    pub(crate) poll: Option<OpenPoll>,
    /// The connections by which its requests come.
    pub(crate) visits: Visits,
}

/// A GET that is held.
pub(crate) struct OpenPoll {
    pub(crate) number: PollNumber,
    pub(crate) reply: oneshot::Sender<PollAnswer>,
    pub(crate) payload: PayloadWriter,
    contents: Contents,
}

impl OpenPoll {
    pub(crate) fn new(number: PollNumber, reply: oneshot::Sender<PollAnswer>) -> Self {
        Self { number, reply, payload: PayloadWriter::new(), contents: Contents::Nothing }
    }
}

impl Polling {
    pub(crate) fn new(packets_max: usize) -> Self {
        Self {
            polls: Polls::default(),
            posts: Posts::default(),
            packets_max,
            poll: None,
            visits: Visits::default(),
        }
    }

    /// Whether a GET is held whose answer has space for another small frame. One packet is reserved for the noop or the
    /// close that may end the answer.
    pub(crate) fn has_room(&self) -> bool {
        // The answer to a repeat is lost: see `Polls`.
        let poll = self.poll.as_ref().filter(|_| !self.polls.is_doubtful());
        poll.map(|poll| &poll.payload)
            .is_some_and(|payload| payload.len() < POLL_BYTES_MAX && payload.packets() + 1 < self.packets_max)
    }

    /// Adds a frame to the answer of a held GET; false if there is none, or if it does not fit.
    pub(crate) fn push(&mut self, frame: &Bytes) -> bool {
        let has_room = self.has_room();
        match &mut self.poll {
            Some(poll) if has_room && fits(&poll.payload, frame, self.packets_max) => {
                push_frame(&mut poll.payload, frame);
                poll.contents = Contents::Messages;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Takes the answer of a held GET, if it has any frames.
    pub(super) fn take_answer(&mut self, now: Instant) -> Option<(oneshot::Sender<PollAnswer>, String)> {
        let mut poll = self.poll.take_if(|poll| !poll.payload.is_empty())?;
        let is_full = poll.contents == Contents::Messages && poll.payload.packets() >= self.packets_max;
        let contents = if is_full { Contents::Full } else { poll.contents };
        if let Some(ping) = self.polls.answered(contents, now) {
            poll.payload.push_text_raw(&ping);
        }
        Some((poll.reply, poll.payload.finish()))
    }

    /// The answers to the remaining polls when the session has ended.
    pub(super) fn last_payloads<'a>(&self, frames: impl Iterator<Item = &'a Bytes>) -> VecDeque<String> {
        let mut payloads = VecDeque::new();
        let mut payload = PayloadWriter::new();
        for frame in frames {
            if !fits(&payload, frame, self.packets_max) {
                payloads.push_back(std::mem::take(&mut payload).finish());
            }
            push_frame(&mut payload, frame);
        }
        if payload.packets().saturating_add(2) > self.packets_max {
            payloads.push_back(std::mem::take(&mut payload).finish());
        }
        payload.push_text_raw("6");
        payload.push_text_raw("1");
        payloads.push_back(payload.finish());
        payloads
    }
}

/// Whether a frame fits into a payload, with one packet after it. A frame alone always does: it has fewer packets than
/// any bound.
fn fits(payload: &PayloadWriter, frame: &Bytes, packets_max: usize) -> bool {
    packets_max == usize::MAX
        || payload.is_empty()
        || payload.packets() + Frame::shared(frame.clone()).packets() < packets_max
}

fn push_frame(payload: &mut PayloadWriter, frame: &Bytes) {
    Frame::shared(frame.clone()).push_to(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(payload: &str) -> usize {
        payload.split('\u{1e}').count()
    }

    #[test]
    fn the_last_payloads_are_as_many_answers_as_the_client_takes_packets() {
        let frames: Vec<Bytes> =
            (0..20).map(|number| Frame::text(&format!("2[{number}]")).into_bytes()).collect();
        for (packets_max, expected) in [(usize::MAX, vec![22]), (16, vec![15, 7]), (3, vec![2; 11])] {
            let payloads = Polling::new(packets_max).last_payloads(frames.iter());
            assert_eq!(payloads.iter().map(|payload| packets(payload)).collect::<Vec<_>>(), expected);
            let all: Vec<String> = payloads.into();
            let all = all.join("\u{1e}");
            assert!(
                all.starts_with("42[0]\u{1e}42[1]\u{1e}") && all.ends_with("42[19]\u{1e}6\u{1e}1"),
                "{all}"
            );
        }
        assert_eq!(Polling::new(16).last_payloads([].into_iter()), ["6\u{1e}1"]);
    }

    #[test]
    fn an_event_stands_in_one_answer_with_its_attachments() {
        let (reply, _answer) = oneshot::channel();
        let mut polling = Polling::new(16);
        let text = Frame::text("2[]").into_bytes();
        assert!(!polling.push(&text), "no poll is held");
        polling.poll = Some(OpenPoll::new(PollNumber(1), reply));
        let large = Frame::with_attachments("510-[]", &vec![Bytes::from_static(b"x"); 10]).into_bytes();
        assert!(polling.push(&large));
        assert!(polling.has_room() && !polling.push(&large), "22 packets are too many");
        assert_eq!((0..9).filter(|_| polling.push(&text)).count(), 4);
        assert!(!polling.has_room(), "the last of 16 packets is for a noop or a close");
    }
}
