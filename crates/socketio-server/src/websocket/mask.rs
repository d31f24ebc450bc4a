//! Unmasks client payloads in place.
//!
//! It remembers the position in the four-byte key, so a payload may arrive in any number of pieces. The compiler turns
//! the loop over eight-byte words into vector instructions, without unsafe code.

/// The key of one frame, rotated to the next byte of its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Unmasks the next piece of the payload.
    pub(super) fn apply(&mut self, piece: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = piece.as_chunks_mut::<8>();
        for chunk in words {
            *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.into_iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(rest.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    #[test]
    fn a_payload_unmasks_the_same_in_any_pieces() {
        let masked: Vec<u8> = (0..=255).collect();
        let key = [0x11, 0x22, 0x44, 0x88];
        let expected: Vec<u8> =
            masked.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        for size in 1..=40 {
            let mut mask = Mask::new(key);
            let mut payload = masked.clone();
            payload.chunks_mut(size).for_each(|piece| mask.apply(piece));
            assert_eq!(payload, expected, "pieces of {size}");
        }
    }
}
