//! What every implementation of [`Log`] and [`LogReader`] must do, as tests.
//!
//! A backend implements [`Bench`] and calls [`log_conformance!`](crate::log_conformance) in its tests; each check
//! becomes a test there. Checks see nothing but the two traits. What only a backend can show (a full disk, a torn
//! page, a second instance) is its own to test.

#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
mod checks;
#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
mod devices;
#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
mod lives;
mod model;
mod naive;
#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
mod pages;
#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
mod people;
#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
pub mod town;
#[expect(clippy::unwrap_used, reason = "the checks are tests, and an error is how they fail")]
mod writers;

use crate::command::{Command, Draft, Identity};
use crate::decide::{Decided, Limits, Storage, decide};
use crate::device::{Device, DeviceId};
use crate::directory::Directory;
use crate::entry::{Author, Entry, Kind, UnixMillis};
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, Lineage, Position, Rev, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::log::{Budget, Log, LogReader, Record, RoomNumbers};
use crate::name::{Nickname, RoomName, Topic};
use crate::outcome::Receipt;
use crate::room::RoomKind;
use crate::text::Text;

pub use checks::*;
pub use devices::*;
pub use lives::{commands_of_lives, people_live};
pub use model::{Step, agrees_with_the_model, history};
pub use naive::agrees_with_the_list;
pub use pages::*;
pub use people::*;
pub use writers::*;

/// A place where one log is kept, empty at first.
pub trait Bench {
    /// The writer under test.
    type Log: Log;
    /// Its reader.
    type Reader: LogReader;

    /// Opens the log; the first time, a new one. The writer and readers of the time before are gone by then.
    fn open(&mut self) -> (Self::Log, Self::Reader);
}

/// Turns every check into a test. The argument makes a fresh [`Bench`].
#[macro_export]
macro_rules! log_conformance {
    ($bench:expr) => {
        $crate::log_conformance! { $bench;
            a_new_log_is_empty
            appended_entries_are_read_back
            positions_go_on_after_opening_again
            a_read_ends_at_its_bounds
            a_read_always_gets_one_entry
            a_budget_in_bytes_ends_a_read
            rooms_have_numbers_of_their_own
            locate_finds_the_last_message_seen
            a_key_is_found_within_its_lineage_only
            a_key_and_its_content_are_found_across_lineages
            keys_are_compared_exactly
            a_weak_key_belongs_to_its_lineage
            keys_are_found_after_opening_again
            every_opening_begins_an_epoch
            a_reader_knows_the_epochs
            keys_stay_what_they_are
            all_rooms_are_told_at_once
            odd_texts_survive
            readers_never_see_half_a_batch
            commands_of_a_device_are_taken_in_turn
            a_repeated_command_gets_the_original_result
            a_refusal_is_a_result_and_uses_up_its_number
            results_outlive_the_limits_and_the_process
            a_skip_uses_up_its_number_unless_it_comes_too_late
            devices_are_told_apart_by_user_and_name
            an_entry_tells_its_device_and_number
            each_of_many_numbers_without_an_entry_keeps_its_result
            results_without_entries_do_not_move_the_head
            a_read_only_log_answers_what_it_knows_and_uses_up_no_number
            a_probe_changes_nothing
            numbers_of_a_batch_that_was_not_stored_are_free
            every_kind_of_entry_is_read_back
            the_directory_is_found_again
            a_sign_in_that_has_ended_never_begins_again
            an_edited_message_says_what_its_last_edit_says
            a_deleted_message_leaves_nothing_but_its_place
            changes_within_a_batch_are_changes
            pointers_only_move_forward
            every_result_is_told_again
            an_entry_of_an_unknown_kind_keeps_its_place
            pages_go_in_both_directions
            changes_of_a_room_have_no_holes
            unread_is_what_others_have_said_since
            unread_is_counted_for_a_while_only
        }
    };
    ($bench:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::conformance::$check(&mut $bench);
            }
        )*
    };
}

/// Turns every check of several writers into a test. The argument makes a fresh [`SharedBench`].
#[macro_export]
macro_rules! shared_log_conformance {
    ($bench:expr) => {
        $crate::log_conformance! { $bench;
            writers_share_an_epoch
            an_overtaken_writer_stores_nothing
            what_moves_no_head_overtakes_too
            numbers_without_an_entry_are_known_on_both_sides
            an_empty_batch_tells_of_others
            every_order_of_two_batches_is_one_order
        }
    };
}

/// Ada's page.
pub const ADA: Lineage = Lineage([0xad; 16]);
/// Bob's page.
pub const BOB: Lineage = Lineage([0xb0; 16]);

/// Ada's telephone.
pub const ADAS: Device = Device { user: UserId(1), id: DeviceId([1; 16]) };
/// Bob's telephone, which happens to have chosen the same name.
pub const BOBS: Device = Device { user: UserId(2), id: DeviceId([1; 16]) };

/// Cleo's telephone.
pub const CLEOS: Device = Device { user: UserId(3), id: DeviceId([3; 16]) };

/// A draft for the lobby.
pub fn draft(lineage: Option<Lineage>, key: Option<&str>, text: &str) -> Draft {
    let identity = Identity::Lineage { lineage, key: key.map(ClientKey::from_stored) };
    let command = Command::Say { room: RoomId::LOBBY, text: Text::from_stored(text) };
    Draft { identity, command, at: AT, over_quota: None }
}

/// When everything happens.
const AT: UnixMillis = UnixMillis(1_700_000_000_000);

/// The room that [`settle`] opens.
pub const GARDEN: RoomId = RoomId(2);

/// Gives Cleo a name and a public room: two entries, and two of her numbers.
pub fn settle(log: &mut impl Log) {
    let name = Command::Name { name: Nickname::from_stored("cleo") };
    let create = Command::Create {
        kind: RoomKind::Public,
        name: RoomName::from_stored("garden"),
        topic: Topic::default(),
    };
    append(log, &[command(CLEOS, 1, name), command(CLEOS, 2, create)]);
}

/// A numbered command.
pub fn command(device: Device, n: u64, command: Command) -> Draft {
    Draft { identity: Identity::Device { device, n: CommandNumber(n) }, command, at: AT, over_quota: None }
}

/// A numbered draft for a room.
pub fn numbered_in(room: RoomId, device: Device, n: u64, text: &str) -> Draft {
    command(device, n, Command::Say { room, text: Text::from_stored(text) })
}

/// A numbered draft for the lobby.
pub fn numbered(device: Device, n: u64, text: &str) -> Draft {
    numbered_in(RoomId::LOBBY, device, n, text)
}

/// A number whose command was cancelled.
pub fn skip(device: Device, n: u64) -> Draft {
    command(device, n, Command::Skip)
}

/// The receipt of a message in the lobby, if the log has nothing but messages.
pub fn receipt(number: u64) -> Receipt {
    Receipt { position: Position(number), room: RoomId::LOBBY, seq: Seq(number), rev: Rev(number), at: AT }
}

/// Decides `drafts` as one batch, by the directory of what stands in the log.
pub fn decided(log: &mut impl Log, limits: Limits, drafts: &[Draft]) -> Decided {
    let directory = Directory::load(log).expect("the log can be asked");
    decide(log, &directory, limits, Storage::Open, drafts).expect("the log can be asked")
}

/// Decides and appends `drafts` as one batch.
pub fn append(log: &mut impl Log, drafts: &[Draft]) {
    let decided = decided(log, Limits::DEFAULT, drafts);
    log.append(&decided.records).expect("the log can be written");
}

/// Appends `count` messages without keys as one batch.
pub fn append_messages(log: &mut impl Log, count: usize) {
    let drafts: Vec<_> = (0..count).map(|n| draft(Some(ADA), None, &format!("message {n}"))).collect();
    append(log, &drafts);
}

/// Appends what a later version might have stored: an entry of a kind that this version does not know.
pub fn append_unknown(log: &mut impl Log, room: RoomId, author: Option<Author>) -> Entry {
    let RoomNumbers { seq, rev } = log.room(room).expect("the log can be asked");
    let (position, at) = (log.head().next(), log.last_at().expect("the log can be asked"));
    let kind = Kind::Unknown { code: u32::MAX };
    let entry = Entry { position, room, seq, rev: rev.next(), at, author, kind };
    let content = ContentHash::of_raw(b"unknown");
    log.append(&[Record::Entry { entry: entry.clone(), key: None, content }])
        .expect("the log can be written");
    entry
}

/// Everything in the log.
pub fn read_all(reader: &impl LogReader) -> Vec<Entry> {
    let budget = Budget { entries: usize::MAX, bytes: usize::MAX };
    reader.read(Position::ZERO, Position::MAX, budget).expect("the log can be read")
}
