//! What `Debug` shows of values that the server's own log must not contain: keys, whole ids of devices and pages, and
//! everything that people wrote.
//!
//! The values are compared in full, so that a new field of a type cannot slip in unseen.

use crate::command::{Command, Draft, Identity};
use crate::device::DeviceId;
use crate::directory::DirectoryHandle;
use crate::entry::UnixMillis;
use crate::ids::{Epoch, Lineage, RoomId};
use crate::memory::{MemoryDisk, MemoryLog};
use crate::name::{Nickname, RoomName, Topic};
use crate::signing::{SigningKey, SigningKeys};
use crate::text::Text;

#[test]
fn debug_output_shows_no_key() {
    let keys =
        SigningKeys { current: SigningKey([7; 32]), retired: vec![SigningKey([8; 32])], revoked: None };
    let shown = "SigningKeys { current: SigningKey(…), retired: [SigningKey(…)], revoked: None }";
    assert_eq!(format!("{keys:?}"), shown);
}

#[test]
fn debug_output_shows_only_the_beginning_of_an_id() {
    let mut id = [0xff; 16];
    id[..3].copy_from_slice(&[0x01, 0xab, 0x20]);
    assert_eq!(format!("{:?}", Lineage(id)), "Lineage(01ab20…)");
    assert_eq!(format!("{:?}", DeviceId(id)), "DeviceId(01ab20…)");
}

#[test]
fn debug_output_shows_how_long_a_text_is_and_not_what_it_says() {
    assert_eq!(format!("{:?}", Text::from_stored("secret")), "Text(6 bytes)");
    assert_eq!(format!("{:?}", Nickname::from_stored("ada")), "Nickname(3 bytes)");
    assert_eq!(format!("{:?}", RoomName::from_stored("garden")), "RoomName(6 bytes)");
    assert_eq!(format!("{:?}", Topic::from_stored("")), "Topic(0 bytes)");
    let command = Command::Say { room: RoomId::LOBBY, text: Text::parse("sec\0ret").unwrap() };
    let draft = Draft { identity: Identity::NONE, command, at: UnixMillis(5), over_quota: None };
    let shown = "Draft { identity: Lineage { lineage: None, key: None }, \
                 command: Say { room: RoomId(1), text: Text(9 bytes) }, at: UnixMillis(5), over_quota: None }";
    assert_eq!(format!("{draft:?}"), shown);
}

#[test]
fn debug_output_of_a_directory_shows_nobody() {
    let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
    let handle = DirectoryHandle::load(&mut log).unwrap();
    assert_eq!(format!("{handle:?}"), "DirectoryHandle { .. }");
}
