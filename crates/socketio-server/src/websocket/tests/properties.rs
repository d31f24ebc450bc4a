//! The codec against random streams, random cuts and an independent implementation.
//!
//! A stream must mean the same however it is cut into fragments and reads. The decoder must never panic, nor hold more
//! memory than bytes have arrived. tungstenite's client and our codec must understand each other in both directions.

use std::{
    io::{self, Cursor, Read, Write},
    ops::ControlFlow,
};

use proptest::{collection::vec, option, prelude::*, sample::Index};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

use super::{
    super::{CloseCode, Decoder, Halt, Message, Opcode, WsLimits, frame, partial::Partial},
    BINARY, CONTINUE, FINAL, PING, PONG, Seen, TEXT, client_frame, decode, whole,
};

/// A message, where to cut it into fragments, and what stands between them.
#[derive(Debug, Clone)]
struct Planned {
    message: Seen,
    cuts: Vec<Index>,
    between: Option<Vec<u8>>,
}

fn message() -> impl Strategy<Value = Seen> {
    prop_oneof![
        4 => "\\PC{0,200}".prop_map(Seen::Text),
        2 => vec(any::<u8>(), 0..300).prop_map(Seen::Binary),
        1 => vec(any::<u8>(), 0..=125).prop_map(Seen::Ping),
        1 => Just(Seen::Pong),
        // Beyond one read, and beyond the 16-bit form of length.
        1 => (60_000_usize..70_000).prop_map(|length| Seen::Binary(vec![7; length])),
    ]
}

fn planned() -> impl Strategy<Value = Planned> {
    (message(), vec(any::<Index>(), 0..6), option::of(vec(any::<u8>(), 0..=125)))
        .prop_map(|(message, cuts, between)| Planned { message, cuts, between })
}

/// Appends the frames of the plan to the stream and what must come out of them to `expected`.
fn write(planned: &Planned, stream: &mut Vec<u8>, expected: &mut Vec<Seen>) {
    let (opcode, body) = match &planned.message {
        Seen::Text(text) => (TEXT, text.as_bytes()),
        Seen::Binary(body) => (BINARY, body.as_slice()),
        Seen::Ping(body) => return write_control(PING, body, planned.message.clone(), stream, expected),
        Seen::Pong => return write_control(PONG, b"any", Seen::Pong, stream, expected),
        Seen::Close(_) => unreachable!("no plan has a close frame"),
    };
    let mut cuts: Vec<usize> = planned.cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    cuts.sort_unstable();
    let mut start = 0;
    for (number, cut) in cuts.iter().enumerate() {
        stream.extend(client_frame(if number == 0 { opcode } else { CONTINUE }, &body[start..*cut]));
        start = *cut;
        if let Some(ping) = &planned.between {
            write_control(PING, ping, Seen::Ping(ping.clone()), stream, expected);
        }
    }
    let last = if cuts.is_empty() { opcode } else { CONTINUE };
    stream.extend(whole(last, &body[start..]));
    expected.push(planned.message.clone());
}

fn write_control(opcode: u8, body: &[u8], seen: Seen, stream: &mut Vec<u8>, expected: &mut Vec<Seen>) {
    stream.extend(whole(opcode, body));
    expected.push(seen);
}

/// Cuts the stream at the given places, as reads of a socket would.
fn slices<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.array_windows().map(|[from, to]| &stream[*from..*to]).collect()
}

/// A frame that may break any rule, with a payload that may be shorter than declared.
fn wild_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![Just(TEXT), Just(BINARY), Just(CONTINUE), Just(PING), Just(8), any::<u8>()];
    let payload = prop_oneof![
        "\\PC{0,40}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..140),
        (900_u16..5100).prop_map(|code| code.to_be_bytes().to_vec()),
    ];
    let damage = option::weighted(0.2, (any::<Index>(), any::<u8>()));
    (first, any::<bool>(), payload, damage).prop_map(|(first, last, payload, damage)| {
        let mut bytes = client_frame(if last { first | FINAL } else { first }, &payload);
        if let Some((place, byte)) = damage {
            let place = place.index(bytes.len());
            bytes[place] ^= byte;
        }
        bytes
    })
}

/// What of a stream is not read yet, and what was written.
struct Pipe {
    incoming: Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn other_client(incoming: Vec<u8>) -> WebSocket<Pipe> {
    let pipe = Pipe { incoming: Cursor::new(incoming), written: Vec::new() };
    WebSocket::from_raw_socket(pipe, Role::Client, Some(WebSocketConfig::default()))
}

proptest! {
    #[test]
    fn a_stream_means_the_same_in_any_fragments_and_reads(
        plans in vec(planned(), 0..8),
        cuts in vec(any::<Index>(), 0..40),
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for planned in &plans {
            write(planned, &mut stream, &mut expected);
        }
        let (seen, verdict, decoder) = decode(slices(&stream, &cuts), &WsLimits::default());
        prop_assert_eq!(verdict, Ok(()));
        prop_assert_eq!(seen, expected);
        prop_assert!(decoder.is_idle());
    }

    #[test]
    fn a_stream_means_the_same_in_any_turns(
        plans in vec(planned(), 0..8),
        cuts in vec(any::<Index>(), 0..10),
        turns in vec(1..6_usize, 1..20),
        halts_after in 1..4_usize,
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for planned in &plans {
            write(planned, &mut stream, &mut expected);
        }
        let (mut decoder, limits, mut seen) = (Decoder::default(), WsLimits::default(), Vec::new());
        let mut sink = |message: Message<'_>| {
            seen.push(Seen::from(message));
            match seen.len() % halts_after {
                0 => ControlFlow::Break(Halt::ForNow),
                _ => ControlFlow::Continue(()),
            }
        };
        let mut turns = turns.iter().copied().cycle();
        for piece in slices(&stream, &cuts) {
            let mut frames = turns.next().expect("a cycle");
            decoder.feed(&mut piece.to_vec(), &limits, &mut frames, &mut sink).unwrap();
            while decoder.has_rest() {
                let mut frames = turns.next().expect("a cycle");
                decoder.resume(&limits, &mut frames, &mut sink).unwrap();
            }
        }
        prop_assert!(decoder.is_idle());
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn a_broken_stream_breaks_the_same_in_any_reads(
        frames in vec(wild_frame(), 0..12),
        cuts in vec(any::<Index>(), 0..40),
    ) {
        let stream = frames.concat();
        let limits = WsLimits { message_bytes_max: 200, fragments_max: 4 };
        let (at_once, one_verdict, _) = decode([&stream[..]], &limits);
        let (in_pieces, other_verdict, _) = decode(slices(&stream, &cuts), &limits);
        prop_assert_eq!(at_once, in_pieces);
        prop_assert_eq!(one_verdict, other_verdict);
    }

    #[test]
    fn arbitrary_bytes_never_panic(reads in vec(vec(any::<u8>(), 0..64), 0..16)) {
        // The verdict may be either.
        let _ = decode(reads.iter().map(Vec::as_slice), &WsLimits::default()).1;
    }

    #[test]
    fn memory_follows_the_bytes_received(
        declared in 0..=1_000_000_u64,
        reads in vec(0_usize..5000, 0..30),
    ) {
        let limits = WsLimits::default();
        let mut decoder = Decoder::default();
        let mut header = [&[FINAL | BINARY, 0xff][..], &declared.to_be_bytes(), &[0; 4]].concat();
        let mut received = header.len();
        let feed = |decoder: &mut Decoder, bytes: &mut [u8]| {
            super::feed(decoder, bytes, &limits, &mut |_| ControlFlow::Break(Halt::Closing)).unwrap();
        };
        feed(&mut decoder, &mut header);
        for length in reads {
            feed(&mut decoder, &mut vec![0; length]);
            received += length;
            prop_assert!(decoder.held_bytes() <= 2 * received + size_of::<Partial>());
            prop_assert!(decoder.held_bytes() <= limits.message_bytes_max + size_of::<Partial>());
        }
    }

    #[test]
    fn our_frames_parse_back_here_and_in_another_client(messages in vec(message(), 0..8)) {
        let mut out = Vec::new();
        for message in &messages {
            match message {
                // In two parts, as the type digit and the text of a packet come.
                Seen::Text(text) => frame::push_text(&mut out, &[b"4", text.as_bytes()]),
                Seen::Binary(body) => frame::push_binary(&mut out, &[body]),
                Seen::Ping(body) => frame::push_ping(&mut out, body),
                Seen::Pong => frame::push_pong(&mut out, b""),
                Seen::Close(_) => unreachable!("no plan has a close frame"),
            }
        }
        frame::push_close(&mut out, Some(CloseCode::Away));
        let split: Vec<_> = frame::split(&out).collect();
        let mut client = other_client(out.clone());
        prop_assert_eq!(split.len(), messages.len() + 1);
        for (message, (opcode, payload)) in messages.iter().zip(split) {
            let read = client.read().unwrap().into_data();
            prop_assert_eq!(read.as_ref(), payload);
            let expected = match message {
                Seen::Text(text) => (Opcode::Text, format!("4{text}").into_bytes()),
                Seen::Binary(body) => (Opcode::Binary, body.clone()),
                Seen::Ping(body) => (Opcode::Ping, body.clone()),
                Seen::Pong => (Opcode::Pong, Vec::new()),
                Seen::Close(_) => unreachable!("no plan has a close frame"),
            };
            prop_assert_eq!((opcode, payload), (expected.0, expected.1.as_slice()));
        }
        let tungstenite::Message::Close(Some(close)) = client.read().unwrap() else {
            return Err(TestCaseError::fail("no close frame"));
        };
        prop_assert_eq!(close.code, CloseCode::Away);
    }

    #[test]
    fn the_frames_of_another_client_are_understood(
        messages in vec(message(), 0..8),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        let mut client = other_client(Vec::new());
        for message in &messages {
            client.send(match message {
                Seen::Text(text) => tungstenite::Message::text(text.as_str()),
                Seen::Binary(body) => tungstenite::Message::binary(body.clone()),
                Seen::Ping(body) => tungstenite::Message::Ping(body.clone().into()),
                Seen::Pong => tungstenite::Message::Pong(b"any".to_vec().into()),
                Seen::Close(_) => unreachable!("no plan has a close frame"),
            }).unwrap();
        }
        let stream = client.get_ref().written.clone();
        let (seen, verdict, _) = decode(slices(&stream, &cuts), &WsLimits::default());
        prop_assert_eq!((seen, verdict), (messages, Ok(())));
    }

    #[test]
    fn the_walk_over_our_frames_never_panics(bytes in vec(any::<u8>(), 0..64)) {
        let payloads: usize = frame::split(&bytes).map(|(_, payload)| payload.len()).sum();
        prop_assert!(payloads <= bytes.len());
    }
}

#[test]
fn a_sink_sees_nothing_of_a_message_that_is_not_complete() {
    let stream = whole(TEXT, b"never whole");
    let mut sink = |message: Message<'_>| -> ControlFlow<Halt> { panic!("{message:?}") };
    for length in 1..stream.len() {
        let mut decoder = Decoder::default();
        super::feed(&mut decoder, &mut stream[..length].to_vec(), &WsLimits::default(), &mut sink).unwrap();
        assert!(!decoder.is_idle());
    }
}
