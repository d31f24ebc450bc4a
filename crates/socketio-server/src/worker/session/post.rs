//! [`UnfinishedPost`]: a POST whose packets have not all been handled, or whose answer is held back.
//!
//! The client sends the next POST when this one is answered: that is how polling is paused. The session owns it, because
//! its packets count too if a WebSocket takes over meanwhile.

use engineio::{DecodeError, PayloadPacket, SEPARATOR};
use http::HeaderMap;
use tokio::sync::oneshot;

use crate::handle::command::{HttpError, PostBody};
use crate::occupancy::Portion;
use crate::planted::edge::{self, EdgeBug};

#[derive(Debug)]
pub(crate) struct UnfinishedPost {
    body: String,
    /// Counts the body while it is here.
    _held: Portion,
    /// Where the next packet begins; `None` after the last one.
    next: Option<usize>,
    headers: Box<HeaderMap>,
    pub(crate) reply: oneshot::Sender<Result<(), HttpError>>,
    /// Whether the worker has been told to continue it.
    pub(crate) is_queued: bool,
}

impl UnfinishedPost {
    /// What is not UTF-8 becomes U+FFFD, as with Node: the rest of a text may still be of use.
    pub(crate) fn new(
        body: PostBody,
        headers: Box<HeaderMap>,
        reply: oneshot::Sender<Result<(), HttpError>>,
    ) -> Self {
        let PostBody { bytes, mut held } = body;
        let body = String::from_utf8(bytes.into())
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        held.hold(body.capacity());
        Self { body, _held: held, next: Some(0), headers, reply, is_queued: false }
    }

    /// The next packet, if there is one, and the headers of the request.
    pub(crate) fn packet(&mut self) -> Option<Result<(PayloadPacket<'_>, &HeaderMap), DecodeError>> {
        let rest = self.body.get(self.next?..)?;
        let packet = if let Some((packet, _)) = rest.split_once(SEPARATOR) {
            self.next = self.next.map(|next| next + packet.len() + SEPARATOR.len_utf8());
            packet
        } else {
            self.next = None;
            if edge::is(EdgeBug::ForgetsTheLastPacket) && rest.len() < self.body.len() {
                return None;
            }
            rest
        };
        Some(PayloadPacket::decode(packet).map(|packet| (packet, &*self.headers)))
    }

    /// Whether packets are left.
    pub(crate) fn has_packets(&self) -> bool {
        self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use engineio::decode_payload;
    use proptest::prelude::*;

    use super::*;
    use crate::occupancy::{Bounds, Occupancy, StrangerBounds};

    fn packets(body: &str) -> Vec<String> {
        let (reply, _answer) = oneshot::channel();
        let occupancy = Occupancy::new(Bounds::new(1, 10, 1), StrangerBounds::OFF);
        let held = occupancy.member(Instant::now()).another();
        let body = PostBody { bytes: Bytes::copy_from_slice(body.as_bytes()), held };
        let mut post = UnfinishedPost::new(body, Box::default(), reply);
        let mut packets = Vec::new();
        while let Some(packet) = post.packet() {
            let is_broken = packet.is_err();
            packets.push(format!("{:?}", packet.map(|(packet, _)| packet)));
            if is_broken {
                return packets;
            }
        }
        assert!(!post.has_packets());
        packets
    }

    proptest! {
        #[test]
        fn a_post_has_the_packets_of_its_payload(body in "([0-6b]?[a-z]{0,3}\u{1e}?){0,6}") {
            let expected: Vec<String> = decode_payload(&body).map(|packet| format!("{packet:?}")).collect();
            prop_assert_eq!(packets(&body), expected);
        }
    }
}
