//! Reads the body of a POST, and counts what it holds.

use std::pin::Pin;
use std::time::Duration;

use bytes::Buf;
use http_body::Body;
use http_body_util::BodyExt;

use crate::handle::command::PostBody;
use crate::occupancy::{BODY_BYTES, Portion};
use crate::planted::edge::{self, EdgeBug};

/// The body of a POST must be complete within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    /// Its session has ended, or has to leave.
    Left,
    Broken,
    Late,
}

/// Reads a body in one piece: what it takes is what was allocated for it, however small the pieces are that it comes in.
pub(super) async fn read<B: Body>(
    body: Pin<&mut B>,
    bytes_max: usize,
    mut held: Portion,
) -> Result<PostBody, Unread> {
    let mut whole = Vec::new();
    let bytes_max = if edge::is(EdgeBug::LimitsAnnouncedBodiesOnly) { usize::MAX } else { bytes_max };
    let time = if edge::is(EdgeBug::WaitsForeverForABody) { Duration::MAX } else { BODY_TIMEOUT };
    let read = tokio::time::timeout(time, gather(body, bytes_max, &mut held, &mut whole));
    read.await.unwrap_or(Err(Unread::Late))?;
    Ok(PostBody { bytes: whole.into(), held })
}

async fn gather<B: Body>(
    mut body: Pin<&mut B>,
    bytes_max: usize,
    held: &mut Portion,
    whole: &mut Vec<u8>,
) -> Result<(), Unread> {
    held.hold(BODY_BYTES);
    loop {
        let frame = tokio::select! {
            biased;
            _ = held.told() => return Err(Unread::Left),
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else { return Ok(()) };
        let Ok(mut data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        if data.remaining() > bytes_max - whole.len() {
            return Err(Unread::TooLarge);
        }
        make_room(whole, data.remaining(), bytes_max);
        while data.has_remaining() {
            let piece = data.chunk();
            whole.extend_from_slice(piece);
            let count = piece.len();
            data.advance(count);
        }
        held.hold(BODY_BYTES + whole.capacity());
    }
}

/// Doubles the buffer with what has arrived, up to the longest body.
fn make_room(whole: &mut Vec<u8>, added: usize, bytes_max: usize) {
    let here = whole.len() + added;
    if here > whole.capacity() {
        whole.reserve_exact(here.saturating_mul(2).min(bytes_max) - whole.len());
    }
}
