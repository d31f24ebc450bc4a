//! The client's side of a WebSocket: it writes masked frames and reads unmasked ones. It shares no code with the
//! server's codec, so that the two cannot be wrong together.

/// A message from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromServer {
    Text(String),
    Close,
    /// A frame that our server must never send.
    Broken(&'static str),
}

/// Collects bytes until they are whole messages.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    bytes: Vec<u8>,
    start: usize,
}

impl FrameReader {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.start > 1 << 16 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(crate) fn pop(&mut self) -> Option<FromServer> {
        let rest = self.bytes.get(self.start..)?;
        let (&[first, second], body) = rest.split_first_chunk::<2>()?;
        if second & 0x80 != 0 {
            return Some(FromServer::Broken("a masked frame from the server"));
        }
        let (length, header) = match second {
            126 => (u64::from(u16::from_be_bytes(*body.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*body.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let end = header + usize::try_from(length).ok()?;
        let payload = rest.get(header..end)?.to_vec();
        self.start += end;
        Some(match first {
            0x81 => match String::from_utf8(payload) {
                Ok(text) => FromServer::Text(text),
                Err(_) => FromServer::Broken("text that is not UTF-8"),
            },
            0x88 => FromServer::Close,
            _ => FromServer::Broken("an unexpected kind of frame"),
        })
    }
}

/// Encodes a text message as a client sends it.
pub(crate) fn text_frame(text: &str, mask: u32) -> Vec<u8> {
    let mask = mask.to_be_bytes();
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(short @ ..126) => frame.push(0x80 | short.to_be_bytes()[1]),
        Ok(medium) => {
            frame.push(0xfe);
            frame.extend(medium.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xff);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.into_iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}
