//! Namespace `/`, with the contract of the Socket.IO tutorial: where a client starts, and how a message becomes a draft.
//!
//! Connects the wire to the chat and decides nothing itself. Has no clock: the time of a message is an argument. `wire`
//! has the format, `delivery` sends entries and acks.

pub mod delivery;
pub mod wire;

use std::sync::Arc;

use chat::{Admission, Appender, Command, Draft, Identity, Lineage, Refusal, RoomId};
use socketio_server::{FeedJoin, FeedPosition, Flow, Joining, Start, Turn};

use self::wire::{ChatMessage, ProfileAuth};
use crate::command_pace::{CommandPaces, Writer};
use crate::environment::Environment;
use crate::payer::Payer;
use crate::planted::{self, Bug};
use crate::quotas::{Quotas, ROW_BYTES, Spending, UsedUp};
use crate::stats::{Count, Tallies};
use crate::ticket::Ticket;

/// Where a client that is not recovered starts: after the last message that it says it has.
pub fn join(joining: &Joining<'_>) -> FeedJoin {
    let ProfileAuth { server_offset, lineage } = ProfileAuth::of(joining.auth);
    let start = if server_offset == 0 {
        Start::After(FeedPosition::START)
    } else {
        Start::Anchor(server_offset.into())
    };
    FeedJoin { start, lineage, ..FeedJoin::default() }
}

/// What is asked about a message before it is handed in.
#[derive(Debug)]
pub struct Intake {
    pub quotas: Quotas,
    pub paces: CommandPaces,
    pub tallies: Arc<Tallies>,
    pub environment: Environment,
}

/// Handles a `chat message`: answers malformed ones, and turns the others into drafts, in order. The caller announces
/// the drafts when all ready sockets have been read, so that they share a flush.
pub fn take(turn: &mut Turn<'_>, appender: &Appender<Ticket>, intake: &Intake) -> Flow {
    let Intake { quotas, paces, tallies, environment } = intake;
    tallies.count(Count::ChatMessages);
    let message = match ChatMessage::parse(turn.payload()) {
        Ok(message) => message,
        Err(malformed) => {
            tallies.count(malformed.count());
            turn.reply(&malformed.answer());
            return Flow::Continue;
        }
    };
    if planted::is(Bug::AcksBeforeCommit) {
        turn.reply("");
    }
    let identity = Identity::Lineage { lineage: Some(Lineage(*turn.lineage().as_bytes())), key: message.key };
    let command = Command::Say { room: RoomId::LOBBY, text: message.text };
    let bytes = u32::try_from(command.bytes()).unwrap_or(u32::MAX).saturating_add(ROW_BYTES);
    let payer = Payer { peer: turn.peer(), person: None };
    let (charge, over_quota) = match quotas.charge(payer, Spending { bytes, ..Spending::default() }) {
        Ok(charge) => (charge, None),
        Err(UsedUp) => (None, Some(Refusal::Quota)),
    };
    let writer = Writer::Unknown(turn.connection());
    let pause = paces.charge(turn.peer(), writer, 1, (environment.clock)());
    let draft = Draft { identity, command, at: (environment.now)(), over_quota };
    let ticket = Ticket::Profile { ack: turn.take_ack(), charge };
    match appender.submit_quietly(draft, ticket) {
        Admission::Accepted => pause.map_or(Flow::Continue, Flow::PauseFor),
        // What was refused is not answered: it is temporary, and the client sends it again.
        Admission::AcceptedButFull | Admission::Refused { .. } => Flow::Pause,
    }
}
