//! [`ContentHash`]: a hash of a command's content, which tells a repeat from another command even if the text is gone.
//!
//! Each kind of command has its own form, so that two commands with different meanings never hash the same bytes.

use sha2::{Digest, Sha256};

use crate::command::{Command, JoinBy, SignOutOf};
use crate::hash::ContentHash;
use crate::ids::{RoomId, UserId};
use crate::room::RoomKind;

impl ContentHash {
    /// The hash of a command without content.
    pub const NOTHING: Self = Self([0; 16]);

    /// The hash of a message: of its text as it was sent, and of the room that it was said in.
    pub fn of_message(room: RoomId, text: &str) -> Self {
        Form::new(b"message").number(room.0).last(text)
    }

    /// The hash of what could not be read as a command, as it was sent.
    pub fn of_raw(bytes: &[u8]) -> Self {
        Form::new(b"raw\0").text(bytes).hash()
    }

    /// The hash of a command.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Say { room, text } => Self::of_message(*room, text.as_sent()),
            Command::Edit { room, seq, text } => {
                Form::new(b"edit\0").number(room.0).number(seq.0).last(text.as_sent())
            }
            Command::Delete { room, seq } => Form::new(b"delete\0").number(room.0).number(seq.0).hash(),
            Command::Create { kind, name, topic } => {
                let kind = match kind {
                    RoomKind::Public => 0,
                    RoomKind::Private => 1,
                    RoomKind::Direct => 2,
                };
                Form::new(b"create\0").number(kind).text(name.as_bytes()).last(topic)
            }
            Command::Direct { with } => {
                let mut with = with.clone();
                with.sort_unstable();
                with.iter().fold(Form::new(b"direct\0"), |form, user| form.user(*user)).hash()
            }
            Command::Rename { room, name } => Form::new(b"rename\0").number(room.0).last(name),
            Command::SetTopic { room, topic } => Form::new(b"set topic\0").number(room.0).last(topic),
            Command::Join { room, by } => {
                let form = Form::new(b"join\0").number(room.0);
                match by {
                    JoinBy::Open => form.hash(),
                    JoinBy::Invite(generation) => form.number(generation.0).hash(),
                }
            }
            Command::Leave { room } => Form::new(b"leave\0").number(room.0).hash(),
            Command::Add { room, user } => Form::new(b"add\0").number(room.0).user(*user).hash(),
            Command::Remove { room, user } => Form::new(b"remove\0").number(room.0).user(*user).hash(),
            Command::Name { name } => Form::new(b"name\0").last(name),
            Command::Claim => Form::new(b"own\0").hash(),
            // Whatever the app says about itself now, it is the same sign-in.
            Command::SignIn { token, .. } => Form::new(b"sign in\0").text(&token.0).hash(),
            Command::SignOut { of: SignOutOf::One(id) } => Form::new(b"sign out\0").number(id.0).hash(),
            Command::SignOut { of: SignOutOf::Others { keep } } => {
                Form::new(b"sign others out\0").number(keep.0).hash()
            }
            Command::Read { room, seq } => Form::new(b"read\0").number(room.0).number(seq.0).hash(),
            Command::Rejected { content, .. } => *content,
            Command::Skip => Self::NOTHING,
        }
    }
}

/// A command on its way into the hash.
struct Form(Sha256);

impl Form {
    fn new(tag: &[u8]) -> Self {
        Self(Sha256::new().chain_update(tag))
    }

    fn number(self, number: u64) -> Self {
        Self(self.0.chain_update(number.to_be_bytes()))
    }

    fn user(self, user: UserId) -> Self {
        self.number(user.0)
    }

    /// With its length, which keeps neighbours apart.
    fn text(self, bytes: &[u8]) -> Self {
        Self(self.number(bytes.len() as u64).0.chain_update(bytes))
    }

    /// Nothing follows, so its end is the end.
    fn last(self, text: &str) -> ContentHash {
        Self(self.0.chain_update(text)).hash()
    }

    fn hash(self) -> ContentHash {
        let digest = self.0.finalize();
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        ContentHash(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{InviteGeneration, Seq};
    use crate::name::{Nickname, RoomName, Topic};
    use crate::sign_in::{SignInId, SignInLabel, SignInMethod, TokenHash};
    use crate::text::Text;

    fn sign_in(token: TokenHash) -> Command {
        Command::SignIn { token, method: SignInMethod::New, label: SignInLabel::default() }
    }

    #[test]
    fn the_same_words_in_another_room_are_another_content() {
        let lobby = ContentHash::of_message(RoomId::LOBBY, "hi");
        assert_eq!(lobby, ContentHash::of_message(RoomId(1), "hi"));
        assert_ne!(lobby, ContentHash::of_message(RoomId(2), "hi"));
        assert_ne!(lobby, ContentHash::of_message(RoomId::LOBBY, "hi "));
    }

    /// It stands in the logs of servers that run.
    #[test]
    fn the_hash_of_a_message_never_changes() {
        let hash = ContentHash::of_message(RoomId::LOBBY, "hi");
        let digest = Sha256::digest(b"message\0\0\0\0\0\0\0\x01hi");
        assert_eq!(hash.0, digest[..16]);
    }

    #[test]
    fn two_texts_that_show_the_same_are_two_contents() {
        let said =
            |text| ContentHash::of(&Command::Say { room: RoomId::LOBBY, text: Text::parse(text).unwrap() });
        assert_ne!(said("a\0b"), said("a\u{1}b"));
        assert_eq!(said("a\0b"), ContentHash::of_message(RoomId::LOBBY, "a\0b"));
        let edited = |text| {
            let text = Text::parse(text).unwrap();
            ContentHash::of(&Command::Edit { room: RoomId::LOBBY, seq: Seq(1), text })
        };
        assert_ne!(edited("a\0b"), edited("a\u{1}b"));
    }

    #[test]
    fn different_commands_have_different_content() {
        let (room, seq, user) = (RoomId(2), Seq(3), UserId(4));
        let text = || Text::from_stored("hi");
        let (name, topic) = (RoomName::from_stored("hi"), Topic::from_stored(""));
        let commands = [
            Command::Say { room, text: text() },
            Command::Edit { room, seq, text: text() },
            Command::Delete { room, seq },
            Command::Read { room, seq },
            Command::Create { kind: RoomKind::Public, name: name.clone(), topic: topic.clone() },
            Command::Create { kind: RoomKind::Private, name: name.clone(), topic: topic.clone() },
            Command::Create {
                kind: RoomKind::Public,
                name: RoomName::from_stored("h"),
                topic: Topic::from_stored("i"),
            },
            Command::Direct { with: vec![user] },
            Command::Direct { with: vec![user, UserId(5)] },
            Command::Rename { room, name },
            Command::SetTopic { room, topic },
            Command::Join { room, by: JoinBy::Open },
            Command::Join { room, by: JoinBy::Invite(InviteGeneration::ZERO) },
            Command::Leave { room },
            Command::Add { room, user },
            Command::Remove { room, user },
            Command::Name { name: Nickname::from_stored("hi") },
            Command::Claim,
            sign_in(TokenHash::of(b"one")),
            sign_in(TokenHash::of(b"other")),
            Command::SignOut { of: SignOutOf::One(SignInId(4)) },
            Command::SignOut { of: SignOutOf::One(SignInId(5)) },
            Command::SignOut { of: SignOutOf::Others { keep: SignInId(4) } },
            Command::Rejected { why: crate::outcome::Refusal::Invalid, content: ContentHash::of_raw(b"hi") },
            Command::Skip,
        ];
        for (index, command) in commands.iter().enumerate() {
            for other in &commands[..index] {
                assert_ne!(ContentHash::of(command), ContentHash::of(other), "{command:?} and {other:?}");
            }
        }
        let (here, there) = (vec![user, UserId(5)], vec![UserId(5), user]);
        assert_eq!(
            ContentHash::of(&Command::Direct { with: here }),
            ContentHash::of(&Command::Direct { with: there })
        );
    }
}
