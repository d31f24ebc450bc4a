//! [`ALL`]: the rows of the table of limits.

use chat::{AppenderCount, LimitHit, Refusal, Text};
use socketio_server::{DoorCount, OccupancyCount, RefusalKind, WorkerCount};

use super::value::Field;
use super::within::OUTBOUND_BYTES_MIN;
use super::{Limit, Scope, Seen};
use crate::reading::fair::Crowd;
use crate::stats::{Count, Snapshot};
use crate::v1::command::WITH_MAX;
use crate::v1::welcome::ROOMS_JOINED_MAX;

/// An answer names all of them.
const SIGN_INS_MAX: usize = 1_000;

/// The rooms of so many entries are kept in memory.
const RESUME_MAX: u64 = 10_000_000;

/// All of them.
pub const ALL: &[Limit] = &[
    Limit {
        name: "connections",
        scope: Scope::Process,
        effect: "the oldest connection that has not joined is closed; if all have joined, a new one is answered 503",
        seen: Seen::Hits(|seen| {
            seen.left(OccupancyCount::LimitConnections) + seen.refused(RefusalKind::Full)
        }),
        field: |bounds| Field::count(&mut bounds.server.connections_max),
    },
    Limit {
        name: "unjoined-percent",
        scope: Scope::Process,
        effect: "of the connections; the oldest one that has not joined for a second is closed",
        seen: Seen::Hits(|seen| seen.left(OccupancyCount::LimitUnjoinedPercent)),
        field: |bounds| Field::count_to(&mut bounds.server.unjoined_percent_max, 100),
    },
    Limit {
        name: "connections-per-person",
        scope: Scope::Person,
        effect: "one more connection to /v1 is refused: `busy`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitConnectionsPerPerson)),
        field: |bounds| Field::count(&mut bounds.node.connections_per_person_max),
    },
    Limit {
        name: "connections-per-address",
        scope: Scope::Address,
        effect: "one more guest, or client of /, is refused: `busy`; of as many that have not joined, the oldest one is closed",
        seen: Seen::Hits(|seen| {
            seen.workers(WorkerCount::LimitConnectionsPerAddress)
                + seen.left(OccupancyCount::LimitConnectionsPerAddress)
                + seen.door(DoorCount::AddressFull)
        }),
        field: |bounds| Field::count(&mut bounds.server.strangers.connections_max),
    },
    Limit {
        name: "sessions-per-address",
        scope: Scope::Address,
        effect: "a new connection waits; one that would wait for more than 10 s is answered 503",
        seen: Seen::Hits(|seen| seen.door(DoorCount::Delayed) + seen.door(DoorCount::TooMany)),
        field: |bounds| Field::rate(&mut bounds.server.pacing.sessions),
    },
    Limit {
        name: "unjoined-input-bytes",
        scope: Scope::Connection,
        effect: "a longer message before the client has joined closes the connection",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitUnjoinedInputBytes)),
        field: |bounds| Field::Count(&mut bounds.server.unjoined_input_bytes_max, 1_024..=1_000_000),
    },
    Limit {
        name: "input-bytes",
        scope: Scope::Process,
        effect: "the connections that hold most unfinished input are closed",
        seen: Seen::Budget(|seen| seen.node.server.occupancy.held_bytes),
        field: |bounds| Field::count_from(&mut bounds.server.input_bytes_max, 1 << 20),
    },
    Limit {
        name: "input-bytes-per-address",
        scope: Scope::Address,
        effect: "those of its connections that hold most unfinished input are closed",
        seen: Seen::Hits(|seen| seen.left(OccupancyCount::LimitInputBytesPerAddress)),
        field: |bounds| Field::count(&mut bounds.server.strangers.input_bytes_max),
    },
    Limit {
        name: "turn-packets",
        scope: Scope::Connection,
        effect: "other connections come first",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitTurnPackets)),
        field: |bounds| Field::count(&mut bounds.server.pacing.turn_packets_max),
    },
    Limit {
        name: "events",
        scope: Scope::Connection,
        effect: "the connection is read later",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitEvents)),
        field: |bounds| Field::rate(&mut bounds.server.pacing.events),
    },
    Limit {
        name: "events-per-address",
        scope: Scope::Address,
        effect: "its connections are read later",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitEventsPerAddress)),
        field: |bounds| Field::rate(&mut bounds.server.strangers.events),
    },
    Limit {
        name: "control-frames",
        scope: Scope::Connection,
        effect: "the connection is closed",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitControlFrames)),
        field: |bounds| Field::rate(&mut bounds.server.pacing.control_frames),
    },
    Limit {
        name: "outbound-bytes",
        scope: Scope::Connection,
        effect: "acks and events wait for a slow client; beyond that, its connection is closed",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitOutboundBytes)),
        field: |bounds| Field::count_from(&mut bounds.server.outbound_bytes_max, OUTBOUND_BYTES_MIN),
    },
    Limit {
        name: "output-bytes",
        scope: Scope::Process,
        effect: "the connections for which most acks and events wait are closed",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitOutputBytes)),
        field: |bounds| Field::count_from(&mut bounds.server.output_bytes_max, 1 << 20),
    },
    Limit {
        name: "tls-handshakes",
        scope: Scope::Address,
        effect: "a handshake comes later; after more than 10 s its connection is closed; not for trusted proxies",
        seen: Seen::Hits(|seen| seen.door(DoorCount::LaterHandshakes)),
        field: |bounds| Field::rate(&mut bounds.server.pacing.handshakes),
    },
    Limit {
        name: "http-requests",
        scope: Scope::Connection,
        effect: "the request is answered later; not for trusted proxies",
        seen: Seen::Hits(|seen| seen.door(DoorCount::LaterRequests)),
        field: |bounds| Field::rate(&mut bounds.server.pacing.requests),
    },
    Limit {
        name: "namespaces",
        scope: Scope::Connection,
        effect: "a CONNECT closes the connection",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitNamespaces)),
        field: |bounds| Field::count(&mut bounds.server.limits.namespaces),
    },
    Limit {
        name: "attachment-bytes",
        scope: Scope::Connection,
        effect: "a packet with more bytes of attachments closes the connection",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitAttachmentBytes)),
        field: |bounds| Field::count(&mut bounds.server.limits.attachment_bytes),
    },
    Limit {
        name: "ring-bytes",
        scope: Scope::Process,
        effect: "older entries are read from the disk, in each of the two namespaces",
        seen: Seen::Budget(Snapshot::largest_ring),
        field: |bounds| Field::count(&mut bounds.node.ring_bytes_max),
    },
    Limit {
        name: "queue-commands",
        scope: Scope::Process,
        effect: "connections that send commands are read later",
        seen: Seen::Budget(|seen| seen.node.log.queue_drafts as u64),
        field: |bounds| Field::count(&mut bounds.node.queue.soft_drafts),
    },
    Limit {
        name: "queue-bytes",
        scope: Scope::Process,
        effect: "the same",
        seen: Seen::Budget(|seen| seen.node.log.queue_bytes as u64),
        field: |bounds| Field::count(&mut bounds.node.queue.soft_bytes),
    },
    Limit {
        name: "commands-per-guest",
        scope: Scope::Guest,
        effect: "the connection is read later",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitCommandsPerGuest)),
        field: |bounds| Field::rate(&mut bounds.node.commands.guest),
    },
    Limit {
        name: "commands-per-member",
        scope: Scope::Member,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitCommandsPerMember)),
        field: |bounds| Field::rate(&mut bounds.node.commands.member),
    },
    Limit {
        name: "commands-per-address",
        scope: Scope::Address,
        effect: "the same, for all its guests",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitCommandsPerAddress)),
        field: |bounds| Field::rate(&mut bounds.node.commands_network),
    },
    Limit {
        name: "typing",
        scope: Scope::Connection,
        effect: "nobody is told that the person types",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitTyping)),
        field: |bounds| Field::rate(&mut bounds.node.notices.typing),
    },
    Limit {
        name: "reads",
        scope: Scope::Connection,
        effect: "the newest read pointer of each room waits",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitReads)),
        field: |bounds| Field::rate(&mut bounds.node.notices.reads),
    },
    Limit {
        name: "text-bytes",
        scope: Scope::Connection,
        effect: "a longer text is refused: `too_large`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitTextBytes) + seen.node.log.refusals[Refusal::TooLarge]),
        field: |bounds| Field::count_to(&mut bounds.node.limits.text_bytes_max, Text::BYTES_MAX),
    },
    Limit {
        name: "requests-per-connection",
        scope: Scope::Connection,
        effect: "one more open request is answered `busy`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitRequestsPerConnection)),
        field: |bounds| Field::count(&mut bounds.node.requests_open_max),
    },
    Limit {
        name: "requests-per-person",
        scope: Scope::Person,
        effect: "one more open request is answered `busy`",
        seen: Seen::Hits(|seen| seen.node.pool.refused[Crowd::Own]),
        field: |bounds| Field::count(&mut bounds.node.requests.per_owner_max),
    },
    Limit {
        name: "requests",
        scope: Scope::Process,
        effect: "the newest open request of the person who has most is answered `busy`",
        seen: Seen::Hits(|seen| seen.node.pool.refused[Crowd::All]),
        field: |bounds| Field::count(&mut bounds.node.requests.waiting_max),
    },
    Limit {
        name: "history-bytes",
        scope: Scope::Connection,
        effect: "a page of history is cut",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitHistoryBytes)),
        field: |bounds| Field::count(&mut bounds.node.history_bytes_max),
    },
    Limit {
        name: "read-bytes-per-person",
        scope: Scope::Person,
        effect: "the past is sent later: welcomes, replays, and answers to requests",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitReadBytesPerPerson)),
        field: |bounds| Field::byte_rate(&mut bounds.node.reading.person),
    },
    Limit {
        name: "read-bytes-per-address",
        scope: Scope::Address,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitReadBytesPerAddress)),
        field: |bounds| Field::byte_rate(&mut bounds.node.reading.network),
    },
    Limit {
        name: "resume-entries",
        scope: Scope::Connection,
        effect: "a client of /v1 that has missed more starts from now; only entries count that it may see",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitResumeEntries)),
        field: |bounds| Field::LongCount(&mut bounds.node.resume_entries_max, 1..=RESUME_MAX),
    },
    Limit {
        name: "resume-distance",
        scope: Scope::Connection,
        effect: "the same; all entries count",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitResumeDistance)),
        field: |bounds| Field::LongCount(&mut bounds.node.resume_distance_max, 1..=RESUME_MAX),
    },
    Limit {
        name: "recovery-entries",
        scope: Scope::Connection,
        effect: "a client of / that has missed more gets them without being recovered",
        seen: Seen::Hits(|seen| seen.workers(WorkerCount::LimitRecovery)),
        field: |bounds| Field::count(&mut bounds.node.recovery_entries_max),
    },
    Limit {
        name: "bad-codes-per-person",
        scope: Scope::Person,
        effect: "a bad link, invite or owner's code is answered `busy`; each further one waits twice as long. Good ones always work",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitBadCodesPerPerson)),
        field: |bounds| Field::Guesses(&mut bounds.node.guesses.person),
    },
    Limit {
        name: "bad-codes-per-address",
        scope: Scope::Address,
        effect: "the same, and one line in the log in 10 s",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitBadCodesPerAddress)),
        field: |bounds| Field::Guesses(&mut bounds.node.guesses.network),
    },
    Limit {
        name: "rooms-created-per-person",
        scope: Scope::Person,
        effect: "creating a room, or a conversation of more than two people, is refused: `quota`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitRoomsPerPerson)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.rooms_person),
    },
    Limit {
        name: "rooms-created-per-address",
        scope: Scope::Address,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitRoomsPerAddress)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.rooms_network),
    },
    Limit {
        name: "joins-per-person",
        scope: Scope::Person,
        effect: "joining a room is refused: `quota`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitJoinsPerPerson)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.joins_person),
    },
    Limit {
        name: "joins-per-address",
        scope: Scope::Address,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitJoinsPerAddress)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.joins_network),
    },
    Limit {
        name: "contacts-per-guest",
        scope: Scope::Guest,
        effect: "a `direct` that begins one more conversation of two is refused, and so are `direct` and `add` with one more person who shares no private room or conversation with the sender: `quota`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitContactsPerGuest)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.contacts.guest),
    },
    Limit {
        name: "contacts-per-member",
        scope: Scope::Member,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitContactsPerMember)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.contacts.member),
    },
    Limit {
        name: "contacts-per-address",
        scope: Scope::Address,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitContactsPerAddress)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.contacts_network),
    },
    Limit {
        name: "bytes-stored-per-guest",
        scope: Scope::Guest,
        effect: "messages and other commands are refused: `quota`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitBytesStoredPerGuest)),
        field: |bounds| Field::byte_quota(&mut bounds.node.quotas.bytes_person.guest),
    },
    Limit {
        name: "bytes-stored-per-member",
        scope: Scope::Member,
        effect: "the same",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitBytesStoredPerMember)),
        field: |bounds| Field::byte_quota(&mut bounds.node.quotas.bytes_person.member),
    },
    Limit {
        name: "bytes-stored-per-address",
        scope: Scope::Address,
        effect: "the same, also in the namespace /",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitBytesStoredPerAddress)),
        field: |bounds| Field::byte_quota(&mut bounds.node.quotas.bytes_network),
    },
    Limit {
        name: "member-address-factor",
        scope: Scope::Address,
        effect: "the members of one address may do so many times what its guests may, beside them; beyond that the same happens to them",
        seen: Seen::Hits(|seen| {
            seen.edge(Count::LimitMembersPerAddress) + seen.workers(WorkerCount::LimitVouchedPerAddress)
        }),
        field: |bounds| Field::Count(&mut bounds.node.widening.0, 0..=1_000),
    },
    Limit {
        name: "newcomers-per-address",
        scope: Scope::Address,
        effect: "a connection to /v1 without a token is refused: `busy`",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitNewcomersPerAddress)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.newcomers_network),
    },
    Limit {
        name: "renames",
        scope: Scope::Person,
        effect: "another name is refused: `quota`; the first is free",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitRenames)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.renames),
    },
    Limit {
        name: "sign-ins",
        scope: Scope::Person,
        effect: "a connection to /v1 with a link is refused: `busy`; the link stays good",
        seen: Seen::Hits(|seen| seen.edge(Count::LimitSignIns)),
        field: |bounds| Field::quota(&mut bounds.node.quotas.sign_ins_person),
    },
    Limit {
        name: "sign-ins-kept",
        scope: Scope::Person,
        effect: "one more sign-in ends the oldest",
        seen: Seen::Hits(|seen| seen.node.log.limits[LimitHit::SignIns]),
        field: |bounds| Field::count_to(&mut bounds.node.limits.sign_ins_max, SIGN_INS_MAX),
    },
    Limit {
        name: "rooms-joined",
        scope: Scope::Person,
        effect: "joining and creating are refused: `limit`; rooms that others have added the person to do not count",
        seen: Seen::Hits(|seen| seen.node.log.limits[LimitHit::RoomsJoined]),
        field: |bounds| Field::count_to(&mut bounds.node.limits.rooms_joined_max, ROOMS_JOINED_MAX),
    },
    Limit {
        name: "direct-members",
        scope: Scope::Room,
        effect: "a direct conversation with more people is refused: `limit`",
        seen: Seen::Hits(|seen| {
            seen.edge(Count::LimitDirectMembers) + seen.node.log.limits[LimitHit::DirectMembers]
        }),
        field: |bounds| Field::Count(&mut bounds.node.limits.direct_members_max, 2..=WITH_MAX as u64 + 1),
    },
    Limit {
        name: "private-members",
        scope: Scope::Room,
        effect: "joining a private room, and being added to it, are refused: `limit`",
        seen: Seen::Hits(|seen| seen.node.log.limits[LimitHit::PrivateMembers]),
        field: |bounds| Field::count(&mut bounds.node.limits.private_members_max),
    },
    Limit {
        name: "rooms",
        scope: Scope::Process,
        effect: "creating a room or a conversation is refused: `limit`",
        seen: Seen::Hits(|seen| seen.node.log.limits[LimitHit::Rooms]),
        field: |bounds| Field::count(&mut bounds.node.limits.rooms_max),
    },
    Limit {
        name: "rooms-for-guests-percent",
        scope: Scope::Process,
        effect: "of the rooms; with more, creating a room or a conversation is refused to guests: `limit`",
        seen: Seen::Hits(|seen| seen.node.log.limits[LimitHit::RoomsForGuests]),
        field: |bounds| Field::count_to(&mut bounds.node.limits.rooms_for_guests_percent, 100),
    },
    Limit {
        name: "disk-free",
        scope: Scope::Process,
        effect: "with less space on the disk of the data folder nothing is stored: `storage_full`",
        seen: Seen::Hits(|seen| seen.node.log.counts[AppenderCount::StorageFull]),
        field: |bounds| Field::Watermark(&mut bounds.node.watermark),
    },
    Limit {
        name: "log-lines",
        scope: Scope::Process,
        effect: "lines of one kind beyond so many in a second are counted, and one line tells how many there were",
        seen: Seen::Hits(|seen| seen.lines.left_out.iter().sum()),
        field: |bounds| Field::count(&mut bounds.log_lines_per_second),
    },
];
