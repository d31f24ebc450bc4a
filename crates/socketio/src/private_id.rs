//! The private id of a socket: a signed token with everything that a recovery needs.
//!
//! The client keeps it, so the server keeps nothing for a client that is gone, and recovery works even after a restart
//! of the server. The MAC is HMAC-SHA256, truncated to 16 bytes, over a version byte and fields of fixed size, so the
//! bytes have only one reading. The signature is checked in constant time, before any field is read. The place in the log
//! is masked, because it counts what everybody says.
//!
//! A private id is a secret: anybody who has it can take over the socket. It is never logged, and the types of this
//! module do not show their secrets in debug output.

use std::fmt;
use std::num::NonZeroU64;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use crate::keys::{Key, Keys};
use crate::offset::Offset;
use crate::socket_id::SocketId;

const VERSION: u8 = 2;
/// Ids of this version do not hide their place in the log. They stay valid.
const OPEN_VERSION: u8 = 1;
const BODY_BYTES: usize = 1 + SocketId::BYTES + Lineage::BYTES + 8 + 3 * 8;
/// At the end of the body: the log, its epoch and the position.
const HIDDEN_BYTES: usize = 3 * 8;
const MAC_BYTES: usize = 16;
const TOKEN_BYTES: usize = BODY_BYTES + MAC_BYTES;
/// The length of `TOKEN_BYTES` bytes in base64 without padding.
const TOKEN_CHARS: usize = (TOKEN_BYTES * 4).div_ceil(3);

/// The scope of the keys that a client gives its messages. It begins with a page and outlives its sockets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lineage([u8; Self::BYTES]);

impl Lineage {
    /// The bytes of a lineage.
    pub const BYTES: usize = 16;

    /// Makes a lineage from random bytes of the caller.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lineage(..)")
    }
}

/// The content of a private id.
///
/// ```
/// use socketio::{Keys, Lineage, Offset, PrivateId, SocketId};
///
/// let keys = Keys::new([1; 32]);
/// let id = PrivateId {
///     socket: SocketId::from_bytes([2; 15]),
///     lineage: Lineage::from_bytes([3; 16]),
///     user: None,
///     offset: Offset { log: 1, epoch: 1, position: 42 },
/// };
/// let text = id.sign(&keys);
/// assert_eq!(PrivateId::verify(&text, &keys), Some(id));
/// assert_eq!(PrivateId::verify(&text, &Keys::new([9; 32])), None);
///
/// // A retired key signs nothing any more, but what it signed stays valid.
/// let rotated = Keys::new([9; 32]).with_retired([1; 32]);
/// assert_eq!(PrivateId::verify(&text, &rotated), Some(id));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrivateId {
    /// The public id, which a recovered socket keeps.
    pub socket: SocketId,
    /// The scope of the client's message keys.
    pub lineage: Lineage,
    /// The only user for whom the id is valid, if it was made for one.
    pub user: Option<NonZeroU64>,
    /// The last position that was delivered when the socket connected. A client that has seen no event yet recovers
    /// from here.
    pub offset: Offset,
}

impl PrivateId {
    /// The token, signed with the current key.
    pub fn sign(&self, keys: &Keys) -> String {
        let (mut body, key) = (self.body(), keys.current());
        let mac: [u8; 32] = key.mac.clone().chain_update(body).finalize().into_bytes().into();
        let (mac, _) = mac.split_first_chunk().expect("a MAC is longer");
        mask(&mut body, key, mac);
        let token: Vec<u8> = body.into_iter().chain(*mac).collect();
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads a token that was signed with one of the keys; `None` for anything else.
    pub fn verify(text: &str, keys: &Keys) -> Option<Self> {
        // Checked first: a peer's text may be long, and only one length can be right.
        if text.len() != TOKEN_CHARS {
            return None;
        }
        let token = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, mac) = token.split_first_chunk::<BODY_BYTES>()?;
        let mac: &[u8; MAC_BYTES] = mac.try_into().ok()?;
        let body = keys.all().find_map(|key| {
            let mut body = *body;
            if body.first() != Some(&OPEN_VERSION) {
                mask(&mut body, key, mac);
            }
            let is_signed = key.mac.clone().chain_update(body).verify_truncated_left(mac).is_ok();
            is_signed.then_some(body)
        });
        Self::from_body(&body?)
    }

    fn body(&self) -> [u8; BODY_BYTES] {
        // No user has the number 0.
        let user = self.user.map_or(0, NonZeroU64::get);
        let numbers = [user, self.offset.log, self.offset.epoch, self.offset.position];
        let mut fields = std::iter::once(VERSION)
            .chain(*self.socket.as_bytes())
            .chain(*self.lineage.as_bytes())
            .chain(numbers.into_iter().flat_map(u64::to_be_bytes));
        let body = std::array::from_fn(|_| fields.next().expect("the fields fill the body"));
        debug_assert!(fields.next().is_none(), "the body holds all fields");
        body
    }

    fn from_body(body: &[u8; BODY_BYTES]) -> Option<Self> {
        let (&[version], rest) = body.split_first_chunk()?;
        if ![VERSION, OPEN_VERSION].contains(&version) {
            return None;
        }
        let (socket, rest) = rest.split_first_chunk()?;
        let (lineage, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (log, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let position = rest.try_into().ok()?;
        Some(Self {
            socket: SocketId::from_bytes(*socket),
            lineage: Lineage::from_bytes(*lineage),
            user: NonZeroU64::new(u64::from_be_bytes(*user)),
            offset: Offset {
                log: u64::from_be_bytes(*log),
                epoch: u64::from_be_bytes(*epoch),
                position: u64::from_be_bytes(position),
            },
        })
    }
}

/// Hides the numbers of a place in the log, or shows them again: the mask is made of the MAC, which is over what it hides.
fn mask(body: &mut [u8; BODY_BYTES], key: &Key, mac: &[u8; MAC_BYTES]) {
    let mask = key.mask.clone().chain_update(mac).finalize().into_bytes();
    let hidden = body.iter_mut().skip(BODY_BYTES - HIDDEN_BYTES);
    hidden.zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arb_id() -> impl Strategy<Value = PrivateId> {
        any::<([u8; 15], [u8; 16], u64, (u64, u64, u64))>().prop_map(|(socket, lineage, user, at)| {
            PrivateId {
                socket: SocketId::from_bytes(socket),
                lineage: Lineage::from_bytes(lineage),
                user: NonZeroU64::new(user),
                offset: Offset { log: at.0, epoch: at.1, position: at.2 },
            }
        })
    }

    fn signed_as(version: u8, id: &PrivateId, keys: &Keys) -> String {
        let mut body = id.body();
        body[0] = version;
        let mac: [u8; 32] = keys.current().mac.clone().chain_update(body).finalize().into_bytes().into();
        URL_SAFE_NO_PAD.encode([&body[..], &mac[..MAC_BYTES]].concat())
    }

    fn an_id() -> PrivateId {
        PrivateId {
            socket: SocketId::from_bytes([2; 15]),
            lineage: Lineage::from_bytes([3; 16]),
            user: None,
            offset: Offset { log: 1, epoch: 1, position: 42 },
        }
    }

    #[test]
    fn a_token_of_another_version_is_refused_although_signed() {
        let keys = Keys::new([1; 32]);
        for version in [0, VERSION, VERSION + 1, 255] {
            assert_eq!(PrivateId::verify(&signed_as(version, &an_id(), &keys), &keys), None, "{version}");
        }
    }

    #[test]
    fn an_id_from_before_places_were_hidden_stays_valid() {
        let keys = Keys::new([1; 32]);
        let old = signed_as(OPEN_VERSION, &an_id(), &keys);
        assert_eq!(PrivateId::verify(&old, &keys.clone().with_retired([7; 32])), Some(an_id()));
        assert_eq!(PrivateId::verify(&old, &Keys::new([7; 32]).with_retired([1; 32])), Some(an_id()));
        assert_eq!(PrivateId::verify(&old, &Keys::new([7; 32])), None);
    }

    #[test]
    fn the_place_in_the_log_cannot_be_read() {
        let keys = Keys::new([1; 32]);
        let end = |position| {
            let id = PrivateId { offset: Offset { position, ..an_id().offset }, ..an_id() };
            let token = URL_SAFE_NO_PAD.decode(id.sign(&keys)).unwrap();
            token[BODY_BYTES - HIDDEN_BYTES..BODY_BYTES].to_vec()
        };
        let (one, other) = (end(41), end(42));
        let same = one.iter().zip(&other).filter(|(one, other)| one == other).count();
        assert!(same < 6, "{one:?} {other:?}");
    }

    #[test]
    fn debug_output_tells_no_secrets() {
        assert_eq!(format!("{:?}", Lineage::from_bytes([0xab; 16])), "Lineage(..)");
    }

    proptest! {
        #[test]
        fn a_signed_id_verifies_under_its_key_and_no_other(id in arb_id(), key: [u8; 32], other: [u8; 32]) {
            let keys = Keys::new(key);
            let text = id.sign(&keys);
            prop_assert_eq!(text.len(), TOKEN_CHARS);
            prop_assert_eq!(PrivateId::verify(&text, &keys), Some(id));
            prop_assert_eq!(PrivateId::verify(&text, &Keys::new(other).with_retired(key)), Some(id));
            if key != other {
                prop_assert_eq!(PrivateId::verify(&text, &Keys::new(other)), None);
            }
        }

        #[test]
        fn a_signed_id_verifies_under_every_retired_key(id in arb_id(), retired: [[u8; 32]; 3]) {
            let keys = retired.into_iter().fold(Keys::new([1; 32]), Keys::with_retired);
            for key in retired {
                prop_assert_eq!(PrivateId::verify(&id.sign(&Keys::new(key)), &keys), Some(id));
            }
        }

        #[test]
        fn one_changed_bit_breaks_the_signature(id in arb_id(), bit in 0..TOKEN_BYTES * 8) {
            let keys = Keys::new([1; 32]);
            let mut token = URL_SAFE_NO_PAD.decode(id.sign(&keys)).unwrap();
            token[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(PrivateId::verify(&URL_SAFE_NO_PAD.encode(token), &keys), None);
        }

        #[test]
        fn other_texts_are_refused(text in "[A-Za-z0-9_=-]{0,120}|\\PC{0,120}") {
            prop_assert_eq!(PrivateId::verify(&text, &Keys::new([1; 32])), None);
        }
    }
}
