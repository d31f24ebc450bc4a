//! What proves who somebody is, and where they were: nothing counts that we have not signed, and every other text is
//! read without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_server::socketio::PrivateId;
use socketio_server::{Keys, Offset};
use tidings::v1::code::Code;
use tidings::v1::identity::Signer;
use tidings::v1::ids::{WireDevice, WireUser};

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let signer = Signer::new(&[7; 32], [[8; 32]]);
    if let Some(shown) = signer.shown(&text).filter(|shown| shown.hash.0 == [0; 32]) {
        assert_eq!(signer.old_token(shown.user), text, "a token has one spelling");
    }
    if let Some(invite) = signer.invited(&text) {
        assert_eq!(signer.invite(invite), text, "an invite has one spelling");
    }
    assert_eq!(signer.is_setup_code(&text), is_one_of_ours(Code::parse(&text)));
    if let Some(code) = Code::parse(&text) {
        assert!(Code::parse(&code.to_string()) == Some(code), "a code is read as it is shown");
    }
    let keys = Keys::new([7; 32]).with_retired([8; 32]);
    if let Some(id) = PrivateId::verify(&text, &keys) {
        let spellings = [[7; 32], [8; 32]].map(|key| id.sign(&Keys::new(key)));
        // One from before places in the log were hidden has another first byte.
        let is_of_before = matches!(text.as_bytes(), [b'A', b'Q'..=b'Z' | b'a'..=b'f', ..]);
        assert!(is_of_before || spellings.contains(&text.to_string()), "a recovery id has one spelling");
        assert!(spellings.iter().all(|spelling| PrivateId::verify(spelling, &keys) == Some(id)));
    }
    // Cursors are offsets, too.
    for offset in keys.open(&text) {
        let spellings = [[7; 32], [8; 32]].map(|key| Keys::new(key).seal(&offset));
        assert!(spellings.contains(&text.to_string()) || offset.to_string() == text, "a sealed offset has one spelling");
    }
    if let Ok(offset) = text.parse::<Offset>() {
        assert_eq!(offset.to_string(), text, "an offset has one spelling");
    }
    let _ = (WireUser::parse(&text), WireDevice::parse(&text));
});

fn is_one_of_ours(code: Option<Code>) -> bool {
    let codes = [[7; 32], [8; 32]].map(|key| Signer::new(&key, []).setup_code());
    code.is_some_and(|code| codes.contains(&code))
}
