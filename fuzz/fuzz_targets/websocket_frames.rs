//! What comes on a WebSocket, as bytes of the stream: whole frames, torn ones, and what is none.
//!
//! The first byte says how the rest is meant: as it is, or as parts (cut at 0xff) that are packed into masked frames,
//! so that what is behind the frames is reached as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings_fuzz::send_frames;

fuzz_target!(|input: &[u8]| match input {
    [how, rest @ ..] if how % 4 == 0 => send_frames(rest),
    [_, rest @ ..] => {
        let frames = rest.split(|byte| *byte == 0xff).flat_map(framed);
        send_frames(&frames.collect::<Vec<u8>>());
    }
    [] => {}
});

/// A masked frame of a client, the mask being zero: binary if it begins with 0xfe, else text.
fn framed(part: &[u8]) -> Vec<u8> {
    let (opcode, data) = match part {
        [0xfe, data @ ..] => (0x82, data),
        data => (0x81, data),
    };
    let mut frame = vec![opcode];
    match (u8::try_from(data.len()), u16::try_from(data.len())) {
        (Ok(length @ ..=125), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((data.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(data);
    frame
}
