//! The decoder against streams of correct and of hostile clients.

mod properties;

use std::ops::ControlFlow;

use super::{CloseCode, Decoder, Halt, Message, Opcode, WsError, WsLimits, frame};

/// A message that outlives the scratch buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

impl From<Message<'_>> for Seen {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(body) => Self::Binary(body.to_vec()),
            Message::Ping(body) => Self::Ping(body.to_vec()),
            Message::Pong => Self::Pong,
            Message::Close(code) => Self::Close(code.map(u16::from)),
        }
    }
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const CONTINUE: u8 = 0;
const FINAL: u8 = 0x80;

/// A masked frame; `first` is the opcode with its flags.
fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0xa1, 0x5b, 0x00, 0xff];
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).unwrap()),
        middle @ 126..=65_535 => {
            bytes.push(0xfe);
            bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(0xff);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn whole(opcode: u8, payload: &[u8]) -> Vec<u8> {
    client_frame(FINAL | opcode, payload)
}

/// Decodes all that has arrived.
fn feed(
    decoder: &mut Decoder,
    bytes: &mut [u8],
    limits: &WsLimits,
    sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
) -> Result<(), WsError> {
    let mut frames = usize::MAX;
    decoder.feed(bytes, limits, &mut frames, sink)
}

/// Feeds the stream in pieces and returns what came out, the verdict and the decoder.
fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: &WsLimits,
) -> (Vec<Seen>, Result<(), WsError>, Decoder) {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    for piece in pieces {
        let mut scratch = piece.to_vec();
        let result = feed(&mut decoder, &mut scratch, limits, &mut |message| {
            seen.push(message.into());
            ControlFlow::Continue(())
        });
        if result.is_err() {
            return (seen, result, decoder);
        }
    }
    (seen, Ok(()), decoder)
}

/// Checks one stream, whole and byte by byte.
fn check(stream: &[u8], expected: &[Seen], verdict: Result<(), WsError>) {
    for size in [stream.len().max(1), 1] {
        let (seen, result, _) = decode(stream.chunks(size), &WsLimits::default());
        assert_eq!((seen.as_slice(), result), (expected, verdict), "in pieces of {size}");
    }
}

fn check_error(stream: &[u8], verdict: WsError, code: u16) {
    check(stream, &[], Err(verdict));
    assert_eq!(u16::from(verdict.close_code()), code);
}

#[test]
fn whole_messages_of_one_read_come_out_in_order() {
    let stream = [whole(TEXT, "2probe ä€🦀".as_bytes()), whole(BINARY, &[0, 255]), whole(TEXT, b"")].concat();
    check(
        &stream,
        &[Seen::Text("2probe ä€🦀".into()), Seen::Binary(vec![0, 255]), Seen::Text(String::new())],
        Ok(()),
    );
}

#[test]
fn every_form_of_length_is_understood() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let body = vec![b'x'; length];
        check(&whole(BINARY, &body), &[Seen::Binary(body)], Ok(()));
    }
}

#[test]
fn fragments_are_joined_and_control_frames_may_stand_between_them() {
    let stream = [
        client_frame(TEXT, b"he"),
        whole(PING, b"are you there"),
        client_frame(CONTINUE, b""),
        whole(PONG, b"unasked"),
        client_frame(FINAL | CONTINUE, b"llo"),
    ]
    .concat();
    check(&stream, &[Seen::Ping(b"are you there".to_vec()), Seen::Pong, Seen::Text("hello".into())], Ok(()));
}

#[test]
fn a_character_may_be_cut_by_a_fragment() {
    let crab = "🦀".as_bytes();
    let stream =
        [client_frame(TEXT, &crab[..1]), client_frame(CONTINUE, &crab[1..3]), whole(CONTINUE, &crab[3..])];
    check(&stream.concat(), &[Seen::Text("🦀".into())], Ok(()));
}

#[test]
fn violations_of_the_frame_rules_close_with_1002() {
    for reserved in [0x40, 0x20, 0x10, 0x70] {
        check_error(&whole(TEXT | reserved, b"x"), WsError::ReservedBits, 1002);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        check_error(&whole(opcode, b""), WsError::UnknownOpcode, 1002);
    }
    check_error(&[0x81, 0x01, b'x'], WsError::Unmasked, 1002);
    check_error(&client_frame(PING, b"x"), WsError::FragmentedControl, 1002);
    check_error(&whole(PING, &[0; 126]), WsError::LongControl, 1002);
    check_error(&whole(CONTINUE, b"x"), WsError::NothingToContinue, 1002);
    check_error(&client_frame(CONTINUE, b"x"), WsError::NothingToContinue, 1002);
    let nested = [client_frame(TEXT, b"x"), whole(TEXT, b"y")].concat();
    check_error(&nested, WsError::UnfinishedMessage, 1002);
}

#[test]
fn text_that_is_not_utf8_closes_with_1007() {
    for bad in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"ok\x80ok"] {
        check_error(&whole(TEXT, bad), WsError::InvalidUtf8, 1007);
        let cut = bad.len() / 2;
        let split = [client_frame(TEXT, &bad[..cut]), whole(CONTINUE, &bad[cut..])].concat();
        check_error(&split, WsError::InvalidUtf8, 1007);
    }
}

#[test]
fn a_bad_byte_of_text_ends_the_connection_before_the_frame_does() {
    let stream = whole(TEXT, b"hello \xf4\x90 and much more that never comes");
    let upto_bad_byte = 6 + b"hello \xf4\x90".len();
    let (seen, result, _) = decode([&stream[..upto_bad_byte - 1]], &WsLimits::default());
    assert_eq!((seen.len(), result), (0, Ok(())), "the start of a character may still become one");
    let (_, result, _) = decode(stream[..upto_bad_byte].chunks(1), &WsLimits::default());
    assert_eq!(result, Err(WsError::InvalidUtf8));
}

#[test]
fn the_code_of_a_close_frame_is_checked() {
    check(&whole(CLOSE, b""), &[Seen::Close(None)], Ok(()));
    for code in [1000_u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        check(&whole(CLOSE, &code.to_be_bytes()), &[Seen::Close(Some(code))], Ok(()));
        let with_reason = [&code.to_be_bytes()[..], "tschüss".as_bytes()].concat();
        check(&whole(CLOSE, &with_reason), &[Seen::Close(Some(code))], Ok(()));
    }
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        check_error(&whole(CLOSE, &code.to_be_bytes()), WsError::MalformedClose, 1002);
    }
    check_error(&whole(CLOSE, &[3]), WsError::MalformedClose, 1002);
    check_error(&whole(CLOSE, b"\x03\xe8\xff"), WsError::InvalidUtf8, 1007);
    check_error(&whole(CLOSE, &[3; 126]), WsError::LongControl, 1002);
}

#[test]
fn nothing_is_read_after_a_close_frame() {
    let stream =
        [client_frame(TEXT, b"never ended"), whole(CLOSE, &[3, 232]), whole(PING, b""), vec![255]].concat();
    check(&stream, &[Seen::Close(Some(1000))], Ok(()));
}

#[test]
fn nothing_is_read_after_a_violation_or_a_sink_that_breaks() {
    let limits = WsLimits::default();
    let (_, result, mut decoder) = decode([&whole(3, b"")[..]], &limits);
    assert_eq!(result, Err(WsError::UnknownOpcode));
    let mut deaf = |_: Message<'_>| -> ControlFlow<Halt> { panic!("a message after the end") };
    feed(&mut decoder, &mut whole(TEXT, b"x"), &limits, &mut deaf).unwrap();

    let mut decoder = Decoder::default();
    let mut seen = 0;
    let mut twice = [whole(TEXT, b"one"), whole(TEXT, b"two")].concat();
    let mut once = |_: Message<'_>| {
        seen += 1;
        ControlFlow::Break(Halt::Closing)
    };
    feed(&mut decoder, &mut twice, &limits, &mut once).unwrap();
    assert_eq!(seen, 1);
    feed(&mut decoder, &mut whole(TEXT, b"x"), &limits, &mut deaf).unwrap();
    assert!(decoder.is_idle());
}

#[test]
fn a_decoder_stops_after_the_frames_that_it_may_decode_and_keeps_the_rest() {
    let limits = WsLimits::default();
    let mut decoder = Decoder::default();
    let mut stream = [whole(PING, b"").repeat(5), whole(TEXT, b"six"), client_frame(TEXT, b"sev")].concat();
    let mut seen: Vec<Seen> = Vec::new();
    let mut sink = |message: Message<'_>| {
        seen.push(message.into());
        ControlFlow::Continue(())
    };
    let mut frames = 3;
    decoder.feed(&mut stream, &limits, &mut frames, &mut sink).unwrap();
    assert_eq!((frames, decoder.has_rest()), (0, true));
    assert!(decoder.held_bytes() >= 2 * 6 + 9 + 9, "the rest counts as held");
    frames = 2;
    decoder.resume(&limits, &mut frames, &mut sink).unwrap();
    assert_eq!((frames, decoder.has_rest()), (0, true));
    frames = 10;
    decoder.resume(&limits, &mut frames, &mut sink).unwrap();
    assert_eq!((frames, decoder.has_rest()), (8, false));
    feed(&mut decoder, &mut whole(CONTINUE, b"en"), &limits, &mut sink).unwrap();
    assert!(decoder.is_idle() && decoder.held_bytes() == 0);
    assert_eq!(seen.split_off(5), [Seen::Text("six".into()), Seen::Text("seven".into())]);
}

#[test]
fn empty_fragments_count_as_frames() {
    let limits = WsLimits::default();
    let mut fragments = [client_frame(BINARY, b""), client_frame(CONTINUE, b"").repeat(100)].concat();
    let mut decoder = Decoder::default();
    let mut frames = 64;
    let mut deaf = |message: Message<'_>| -> ControlFlow<Halt> { panic!("{message:?}") };
    decoder.feed(&mut fragments, &limits, &mut frames, &mut deaf).unwrap();
    assert_eq!((frames, decoder.has_rest()), (0, true));
}

#[test]
fn a_message_over_the_limit_closes_with_1009_before_its_bytes_arrive() {
    let limits = WsLimits { message_bytes_max: 10, fragments_max: 4 };
    let (seen, result, _) = decode([&whole(TEXT, b"0123456789")[..]], &limits);
    assert_eq!((seen.len(), result), (1, Ok(())));
    let header_only = &whole(TEXT, b"0123456789a")[..6];
    assert_eq!(decode([header_only], &limits).1, Err(WsError::TooBig));
    let fragments = [client_frame(TEXT, b"012345"), client_frame(CONTINUE, b"6789a")].concat();
    assert_eq!(decode([&fragments[..]], &limits).1, Err(WsError::TooBig));
    assert_eq!(u16::from(WsError::TooBig.close_code()), 1009);

    let most = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    assert_eq!(decode([&most[..]], &WsLimits::default()).1, Err(WsError::TooBig));
}

#[test]
fn a_flood_of_fragments_ends() {
    let limits = WsLimits { message_bytes_max: 10, fragments_max: 4 };
    let message = |frames: usize| {
        let between = client_frame(CONTINUE, b"").repeat(frames - 2);
        [client_frame(BINARY, b""), between, whole(CONTINUE, b"")].concat()
    };
    assert_eq!(decode([&message(4)[..]], &limits).1, Ok(()));
    assert_eq!(decode([&message(5)[..]], &limits).1, Err(WsError::TooManyFragments));
}

#[test]
fn an_idle_decoder_is_small_and_owns_nothing() {
    assert!(size_of::<Decoder>() <= 24);
    let stream = whole(TEXT, &[b'x'; 300]);
    let (seen, _, decoder) = decode(stream.chunks(7), &WsLimits::default());
    assert_eq!(seen.len(), 1);
    assert!(decoder.is_idle());
    assert_eq!(decoder.held_bytes(), 0);
}

#[test]
fn a_message_of_one_read_is_a_slice_of_the_scratch_buffer() {
    let mut scratch = whole(TEXT, b"no copy");
    let within = scratch.as_ptr_range();
    let mut sink = |message: Message<'_>| {
        let Message::Text(text) = message else { panic!("{message:?}") };
        assert!(within.contains(&text.as_ptr()));
        ControlFlow::Continue(())
    };
    feed(&mut Decoder::default(), &mut scratch, &WsLimits::default(), &mut sink).unwrap();
}

#[test]
fn our_frames_have_the_layout_of_the_rfc() {
    let mut out = Vec::new();
    frame::push_text(&mut out, &[b"4", b"2[]"]);
    frame::push_ping(&mut out, b"");
    frame::push_close(&mut out, None);
    frame::push_close(&mut out, Some(CloseCode::Size));
    assert_eq!(out, b"\x81\x0442[]\x89\x00\x88\x00\x88\x02\x03\xf1");

    for (length, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let mut out = bytes::BytesMut::new();
        frame::frame_header(Opcode::Binary, length, &mut out);
        assert_eq!((out.len(), frame::header_len(length)), (header, header), "{length}");
    }
}

#[test]
fn a_run_of_our_frames_splits_into_its_payloads() {
    let long = vec![b'x'; 70_000];
    let mut out = Vec::new();
    frame::push_text(&mut out, &[b"4hello"]);
    frame::push_binary(&mut out, &[&long]);
    frame::push_pong(&mut out, b"body");
    let parts: Vec<_> = frame::split(&out).collect();
    assert_eq!(parts, [(Opcode::Text, &b"4hello"[..]), (Opcode::Binary, &long), (Opcode::Pong, b"body")]);
    out.truncate(out.len() - 1);
    assert_eq!(frame::split(&out).count(), 2, "a torn frame is left out");
}
