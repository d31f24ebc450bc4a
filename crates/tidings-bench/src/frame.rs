//! The client's side of RFC 6455, as little of it as a load generator needs.
//!
//! Reads whole, unfragmented frames as slices of what came in and writes masked text frames. It is strict where a server
//! could be wrong in a way that matters here, and knows nothing of extensions, which it never offers.

/// The mask is no secret in a measurement, but it is not zero: a server must not have it easier than in life.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What stands at the front of the bytes that came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Front<'a> {
    /// A text frame of so many bytes in all.
    Text { payload: &'a str, bytes: usize },
    /// The server closes the connection.
    Close,
    /// Nothing that concerns anybody; so many bytes to be skipped.
    Other { bytes: usize },
    /// The rest has not come yet.
    Partial,
    /// No frame that a server may send to us.
    Broken,
}

/// Looks at the first frame of `bytes`.
pub(crate) fn front(bytes: &[u8]) -> Front<'_> {
    let &[first, second, ref rest @ ..] = bytes else { return Front::Partial };
    let (head, length) = match second {
        0..=125 => (2, u64::from(second)),
        126 => match rest.first_chunk() {
            Some(length) => (4, u64::from(u16::from_be_bytes(*length))),
            None => return Front::Partial,
        },
        127 => match rest.first_chunk() {
            Some(length) => (10, u64::from_be_bytes(*length)),
            None => return Front::Partial,
        },
        // Masked: only clients do that.
        128.. => return Front::Broken,
    };
    let Some(end) = usize::try_from(length).ok().and_then(|length| length.checked_add(head)) else {
        return Front::Broken;
    };
    let Some(payload) = bytes.get(head..end) else { return Front::Partial };
    match first {
        0x81 => match std::str::from_utf8(payload) {
            Ok(payload) => Front::Text { payload, bytes: end },
            Err(_) => Front::Broken,
        },
        0x88 => Front::Close,
        0x82 | 0x89 | 0x8a => Front::Other { bytes: end },
        _ => Front::Broken,
    }
}

/// Appends a text frame as a server writes it.
pub(crate) fn push_plain_text(out: &mut Vec<u8>, payload: &str) {
    push_head(out, 0, payload.len());
    out.extend_from_slice(payload.as_bytes());
}

/// Appends a masked text frame.
pub(crate) fn push_text(out: &mut Vec<u8>, payload: &str) {
    push_head(out, 0x80, payload.len());
    out.extend(MASK);
    out.extend(payload.bytes().zip(MASK.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

fn push_head(out: &mut Vec<u8>, mask_bit: u8, length: usize) {
    out.push(0x81);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => out.push(mask_bit | short),
        (_, Ok(middle)) => {
            out.push(mask_bit | 0x7e);
            out.extend(middle.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(mask_bit | 0x7f);
            out.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_seen_only_when_it_is_complete() {
        let bytes = b"\x81\x05hello\x81\x02";
        assert_eq!(front(bytes), Front::Text { payload: "hello", bytes: 7 });
        for cut in 0..7 {
            assert_eq!(front(&bytes[..cut]), Front::Partial, "{cut}");
        }
    }

    #[test]
    fn all_three_lengths_are_read() {
        for length in [125_usize, 126, 65_535, 65_536] {
            let mut masked = Vec::new();
            push_text(&mut masked, &"a".repeat(length));
            // The head of a server's frame is the same without the mask.
            let head = masked.len() - length - 4;
            let mut bytes = masked[..head].to_vec();
            bytes[1] &= 0x7f;
            bytes.extend(std::iter::repeat_n(b'a', length));
            assert!(
                matches!(front(&bytes), Front::Text { payload, .. } if payload.len() == length),
                "{length}"
            );
        }
    }

    #[test]
    fn frames_that_no_server_may_send_are_broken() {
        for bytes in [&b"\x81\x85abcd12345"[..], b"\x01\x01a", b"\xc1\x01a", b"\x81\x01\xff"] {
            assert_eq!(front(bytes), Front::Broken, "{bytes:?}");
        }
    }
}
