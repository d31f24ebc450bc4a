//! Identities without accounts: signed texts that the server can check without having stored them.
//!
//! A *token* says "the bearer is a sign-in of this user". It has a random part, and the log keeps its hash from the first thing
//! on that its user does; the MAC counts only until then, for somebody who looks around. A *pass* says at the door, and nowhere
//! else, who somebody is. An *invite* opens one generation of a room, and the *setup code* makes its bearer the owner of a chat
//! that has none. All are MACs by the keys of the log, each under a context of its own, so that none can be passed off as
//! another. They have no age: whether what they say still counts (an owner who
//! is there already, a generation that is over) is decided where the log is. Nothing here is random.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::{InviteGeneration, RoomId, TokenHash, UserId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Serialize, Serializer};
use sha2::Sha256;

use super::code::Code;
use crate::planted::{self, Bug};

const VERSION: u8 = 1;
const MAC_BYTES: usize = 16;
const TOKEN: Context = Context(b"tidings sign-in token\0");
const OLD_TOKEN: Context = Context(b"tidings user token\0");
const INVITE: Context = Context(b"tidings room invite\0");
const PASS: Context = Context(b"tidings door pass\0");
const SETUP: Context = Context(b"tidings setup code\0");
const SERVER: Context = Context(b"tidings server id\0");

/// What a MAC is for. It comes before the text, and none is the beginning of another.
#[derive(Clone, Copy)]
struct Context(&'static [u8]);

/// Signs and checks.
#[derive(Clone)]
pub struct Signer {
    current: Hmac<Sha256>,
    retired: Vec<Hmac<Sha256>>,
    server: ServerId,
}

/// The public id of a server. It is derived from the oldest key of the log, so it stays the same after a new key, a
/// backup and a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerId(u64);

/// A token that somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The user that it names.
    pub user: UserId,
    /// The hash that the log would have.
    pub hash: TokenHash,
    /// Whether we have made it.
    pub is_signed: bool,
}

/// The content of an invite: its bearer may join a room, while the room is in this generation of invites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The room that it is for.
    pub room: RoomId,
    /// A removal from the room begins a new generation, which makes earlier invites invalid.
    pub generation: InviteGeneration,
    /// The inviter. Invites of earlier versions do not name one.
    pub by: Option<UserId>,
}

impl Signer {
    /// Signs with `current`, and accepts what `retired` keys have signed as well; the oldest is the last of them.
    pub fn new(current: &[u8; 32], retired: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let (current, retired) =
            (keyed(current), retired.into_iter().map(|key| keyed(&key)).collect::<Vec<_>>());
        let server = server_id(retired.last().unwrap_or(&current));
        Self { current, retired, server }
    }

    /// The id of the server is derived from this key, which is good for nothing else any more.
    #[must_use]
    pub fn named_by(self, oldest: &[u8; 32]) -> Self {
        Self { server: server_id(&keyed(oldest)), ..self }
    }

    /// The id of this server.
    pub fn server(&self) -> ServerId {
        self.server
    }

    /// A token for a user, of 192 bits that were drawn for it.
    pub fn token(&self, user: UserId, random: [u64; 3]) -> String {
        let [one, two, three] = random;
        self.sign::<33>(TOKEN, [user.0, one, two, three])
    }

    /// What a token says that somebody shows; `None` if that is nothing, whoever made it.
    pub fn shown(&self, token: &str) -> Option<Shown> {
        if let Some((body, mac)) = parts::<33>(token) {
            let [user, ..] = numbers::<4>(&body)?;
            let (user, hash) = (UserId(user), TokenHash::of(&body));
            return Some(Shown { user, hash, is_signed: self.is_mac(TOKEN, &body, &mac) });
        }
        let [user] = self.verify::<9, 1>(OLD_TOKEN, token)?;
        Some(Shown { user: UserId(user), hash: TokenHash::OLD, is_signed: true })
    }

    /// The token of a user as it was before there were sign-ins: the same on all of their devices. None is made any more.
    pub fn old_token(&self, user: UserId) -> String {
        self.sign::<9>(OLD_TOKEN, [user.0])
    }

    /// What a user shows at the door. It is part of an address, which logs of others may keep: so it is not their token, and
    /// nothing follows from it but a line of their own.
    pub fn pass(&self, user: UserId) -> String {
        self.sign::<9>(PASS, [user.0])
    }

    /// The user whose pass it is; `None` if we have not signed it.
    pub fn passing(&self, pass: &str) -> Option<UserId> {
        let [user] = self.verify::<9, 1>(PASS, pass)?;
        Some(UserId(user))
    }

    /// The text of an invite.
    pub fn invite(&self, Invite { room, generation, by }: Invite) -> String {
        match by {
            None => self.sign::<17>(INVITE, [room.0, generation.0]),
            Some(by) => self.sign::<25>(INVITE, [room.0, generation.0, by.0]),
        }
    }

    /// What an invite says; `None` if we have not signed it.
    pub fn invited(&self, code: &str) -> Option<Invite> {
        if let Some([room, generation, by]) = self.verify::<25, 3>(INVITE, code) {
            let (room, generation) = (RoomId(room), InviteGeneration(generation));
            return Some(Invite { room, generation, by: Some(UserId(by)) });
        }
        let [room, generation] = self.verify::<17, 2>(INVITE, code)?;
        Some(Invite { room: RoomId(room), generation: InviteGeneration(generation), by: None })
    }

    /// The code that makes its bearer the owner, as long as there is none. It is the same at every start, so a link
    /// that was printed yesterday works today.
    pub fn setup_code(&self) -> Code {
        setup_code(&self.current)
    }

    /// Whether somebody has the setup code.
    pub fn is_setup_code(&self, text: &str) -> bool {
        let Some(told) = Code::parse(text) else { return false };
        let mut keys = std::iter::once(&self.current).chain(&self.retired);
        keys.any(|key| key.clone().chain_update(SETUP.0).verify_truncated_left(told.as_bytes()).is_ok())
    }

    /// `BODY` is the version and the numbers.
    fn sign<const BODY: usize>(&self, context: Context, numbers: impl IntoIterator<Item = u64>) -> String {
        let body: Vec<u8> =
            std::iter::once(VERSION).chain(numbers.into_iter().flat_map(u64::to_be_bytes)).collect();
        debug_assert_eq!(body.len(), BODY, "a signed text has its one length");
        let mac = self.current.clone().chain_update(context.0).chain_update(&body).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(body.into_iter().chain(mac.into_iter().take(MAC_BYTES)).collect::<Vec<u8>>())
    }

    fn verify<const BODY: usize, const NUMBERS: usize>(
        &self,
        context: Context,
        text: &str,
    ) -> Option<[u64; NUMBERS]> {
        let (body, mac) = parts::<BODY>(text)?;
        if self.is_mac(context, &body, &mac) { numbers(&body) } else { None }
    }

    fn is_mac(&self, context: Context, body: &[u8], mac: &[u8]) -> bool {
        let mut keys = std::iter::once(&self.current).chain(&self.retired);
        planted::is(Bug::BelievesForeignTokens)
            || keys.any(|key| {
                key.clone().chain_update(context.0).chain_update(body).verify_truncated_left(mac).is_ok()
            })
    }
}

/// The body of a signed text and its MAC, unchecked.
fn parts<const BODY: usize>(text: &str) -> Option<([u8; BODY], [u8; MAC_BYTES])> {
    // Checked first: a peer's text may be long, and is only worth decoding at its one right length.
    if text.len() != ((BODY + MAC_BYTES) * 4).div_ceil(3) {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (body, mac) = bytes.split_first_chunk::<BODY>()?;
    Some((*body, mac.try_into().ok()?))
}

fn numbers<const NUMBERS: usize>(body: &[u8]) -> Option<[u64; NUMBERS]> {
    let (&version, numbers) = body.split_first()?;
    if version != VERSION {
        return None;
    }
    let mut numbers = numbers.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok());
    Some(std::array::from_fn(|_| numbers.next().map_or(0, u64::from_be_bytes)))
}

fn server_id(key: &Hmac<Sha256>) -> ServerId {
    let mac = key.clone().chain_update(SERVER.0).finalize().into_bytes();
    let mut bytes = mac.into_iter();
    ServerId(u64::from_be_bytes(std::array::from_fn(|_| bytes.next().unwrap_or_default())))
}

fn setup_code(key: &Hmac<Sha256>) -> Code {
    let mac = key.clone().chain_update(SETUP.0).finalize().into_bytes();
    let mut bytes = mac.into_iter();
    Code::from_bytes(std::array::from_fn(|_| bytes.next().unwrap_or_default()))
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for ServerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("retired", &self.retired.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new(&[1; 32], [])
    }

    const ADA: UserId = UserId(0x00c0_ffee);

    #[test]
    fn a_token_names_its_user_and_tells_whether_we_have_made_it() {
        let token = signer().token(ADA, [1, 2, 3]);
        let shown = signer().shown(&token).unwrap();
        assert_eq!((shown.user, shown.is_signed), (ADA, true));
        assert_eq!(Signer::new(&[9; 32], []).shown(&token), Some(Shown { is_signed: false, ..shown }));
        assert_eq!(Signer::new(&[9; 32], [[1; 32]]).shown(&token), Some(shown));
        let other = signer().shown(&signer().token(ADA, [1, 2, 4])).unwrap();
        assert!(other.user == ADA && other.hash != shown.hash);
    }

    /// It stands in the logs of servers that run.
    #[test]
    fn the_hash_of_a_token_never_changes() {
        let shown = signer().shown(&signer().token(UserId(7), [1, 2, 3])).unwrap();
        assert_eq!(shown.hash.id().0, 0x1edf_7b82_b010_e615);
    }

    #[test]
    fn a_token_from_before_there_were_sign_ins_counts_only_if_we_have_made_it() {
        let token = signer().old_token(UserId(7));
        let shown = Shown { user: UserId(7), hash: TokenHash::OLD, is_signed: true };
        assert_eq!(signer().shown(&token), Some(shown));
        assert_eq!(Signer::new(&[9; 32], []).shown(&token), None);
        assert_eq!(Signer::new(&[9; 32], [[1; 32]]).shown(&token), Some(shown));
        // As the release before has made it.
        assert_eq!(token, "AQAAAAAAAAAHvi9kO9Dm_madXwjsJj3AOA");
    }

    #[test]
    fn what_any_retired_key_has_signed_is_good() {
        let keys = [[1; 32], [2; 32], [3; 32]];
        let now = Signer::new(&[9; 32], keys);
        let invite = Invite { room: RoomId(7), generation: InviteGeneration(3), by: None };
        for key in keys {
            let then = Signer::new(&key, []);
            assert!(now.shown(&then.token(ADA, [1, 2, 3])).unwrap().is_signed);
            assert_eq!(now.invited(&then.invite(invite)), Some(invite));
        }
    }

    #[test]
    fn one_changed_bit_makes_another_token() {
        for made in [signer().token(ADA, [1, 2, 3]), signer().old_token(ADA)] {
            let (hash, token) = (signer().shown(&made).unwrap().hash, URL_SAFE_NO_PAD.decode(&made).unwrap());
            for bit in 0..token.len() * 8 {
                let mut forged = token.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                let shown = signer().shown(&URL_SAFE_NO_PAD.encode(&forged));
                assert!(shown.is_none_or(|shown| !shown.is_signed), "bit {bit}");
                // Where the MAC was changed, it is the same token.
                let is_body = bit / 8 < token.len() - MAC_BYTES;
                assert!(shown.is_none_or(|shown| (shown.hash == hash) != is_body), "bit {bit}");
            }
        }
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let token = signer().token(UserId(7), [1, 2, 3]);
        for text in ["", "?", &token[1..], &format!("{token}A"), &"x".repeat(token.len()), &"ä".repeat(17)] {
            assert_eq!(signer().shown(text), None, "{text}");
        }
    }

    #[test]
    fn an_invite_says_its_room_and_generation_and_is_no_token() {
        let invite =
            Invite { room: RoomId(7), generation: InviteGeneration(3), by: Some(UserId(0x00c0_ffee)) };
        let code = signer().invite(invite);
        assert_eq!(signer().invited(&code), Some(invite));
        let nobodys = Invite { by: None, ..invite };
        assert_eq!(signer().invited(&signer().invite(nobodys)), Some(nobodys));
        assert_eq!(signer().shown(&code), None);
        assert_eq!(signer().invited(&signer().token(UserId(7), [1, 2, 3])), None);
        assert_eq!(Signer::new(&[2; 32], []).invited(&code), None);
    }

    #[test]
    fn a_pass_names_its_user_and_is_no_token_nor_is_a_token_a_pass() {
        let (pass, token) = (signer().pass(UserId(7)), signer().token(UserId(7), [1, 2, 3]));
        assert_eq!(signer().passing(&pass), Some(UserId(7)));
        assert_eq!((signer().shown(&pass), signer().passing(&token)), (None, None));
        assert_eq!(signer().passing(&signer().old_token(UserId(7))), None);
        assert_eq!(Signer::new(&[2; 32], []).passing(&pass), None);
    }

    #[test]
    fn an_invite_of_the_first_version_is_still_valid() {
        let code = "AQAAAAAAAAAHAAAAAAAAAAN0csl7P9R1c-ges8uKxp7G";
        let invite = Invite { room: RoomId(7), generation: InviteGeneration(3), by: None };
        assert_eq!(signer().invited(code), Some(invite));
    }

    #[test]
    fn a_server_keeps_its_id_when_its_key_is_replaced() {
        let server = signer().server();
        assert_eq!(Signer::new(&[2; 32], [[1; 32]]).server(), server);
        assert_eq!(Signer::new(&[3; 32], [[2; 32], [1; 32]]).server(), server);
        assert_ne!(Signer::new(&[2; 32], []).server(), server);
        assert_eq!(server.to_string(), "f86663262be9c69d");
    }

    #[test]
    fn the_setup_code_is_known_however_it_is_typed_and_after_a_new_key() {
        let code = signer().setup_code().to_string();
        for typed in [code.clone(), code.to_lowercase(), code.replace('-', "")] {
            assert!(signer().is_setup_code(&typed), "{typed}");
            assert!(Signer::new(&[2; 32], [[1; 32]]).is_setup_code(&typed));
        }
        assert!(!signer().is_setup_code(&Signer::new(&[2; 32], []).setup_code().to_string()));
        assert!(!signer().is_setup_code(""));
    }
}
