//! `--demo`: sample people, rooms and messages, in a folder that is deleted at the end.
//!
//! They are ordinary commands of ordinary devices, so the demo shows what the server does. The log is empty before, so
//! rooms get the numbers after the lobby's.

use chat::{
    Appender, Command, CommandNumber, Device, DeviceId, Draft, Identity, Nickname, RoomId, RoomKind,
    RoomName, Text, Topic, UnixMillis, UserId,
};
use tidings::ticket::Ticket;
use tokio::sync::oneshot;

use super::clock::now;

const ADA: UserId = UserId(0x00ad_a000_0000_0001);
const BOB: UserId = UserId(0x00b0_b000_0000_0002);
const CLEO: UserId = UserId(0x0c1e_0000_0000_0003);

const BREAD: RoomId = RoomId(2);
const PLANS: RoomId = RoomId(3);

const MINUTE_MS: u64 = 60_000;

/// The sample messages: sender, room, how many minutes ago, and text.
const LINES: [(UserId, RoomId, u64, &str); 12] = [
    (ADA, RoomId::LOBBY, 190, "Good morning! I have moved us to our own server."),
    (BOB, RoomId::LOBBY, 188, "That was quick. Did anything get lost?"),
    (
        ADA,
        RoomId::LOBBY,
        187,
        "Nothing. It refuses to lose things: **every message is on disk before it says so**.",
    ),
    (CLEO, RoomId::LOBBY, 60, "I wrote this on a train, in a tunnel. Did it arrive?"),
    (BOB, RoomId::LOBBY, 59, "It did, and once."),
    (
        BOB,
        BREAD,
        150,
        "500 g flour, 360 g water, 10 g salt, 100 g starter. Fold four times, then sleep over it.",
    ),
    (CLEO, BREAD, 140, "Mine is flat."),
    (BOB, BREAD, 139, "Then it wants to be a pizza. Let it."),
    (ADA, BREAD, 30, "Bake it hot: `250 °C`, lid on for 20 minutes, off for 25."),
    (ADA, PLANS, 25, "Only members see this room."),
    (BOB, PLANS, 24, "And nobody else can tell that it exists?"),
    (ADA, PLANS, 23, "Nobody. To them it is a room that was never made."),
];

/// Has everything stored, in the order of its times.
pub(super) async fn fill(appender: &Appender<Ticket>) {
    let now = now().0;
    let mut counts = Counts::default();
    for Act { user, minutes, command } in acts() {
        let identity = Identity::Device { device: device(user), n: counts.next(user) };
        let at = UnixMillis(now.saturating_sub(minutes * MINUTE_MS));
        // The queue is empty and takes more than this.
        drop(appender.submit(Draft { identity, command, at, over_quota: None }, Ticket::Program(None)));
    }
    // Drafts are done with in order, so this one ends when all have ended.
    let (done, all) = oneshot::channel();
    let identity = Identity::Device { device: device(ADA), n: counts.next(ADA) };
    let last = Draft { identity, command: Command::Skip, at: UnixMillis(now), over_quota: None };
    drop(appender.submit(last, Ticket::Program(Some(done))));
    // An appender that has stopped says so elsewhere.
    drop(all.await);
}

/// What somebody did, how many minutes ago.
struct Act {
    user: UserId,
    minutes: u64,
    command: Command,
}

/// Everything that happened, oldest first.
fn acts() -> Vec<Act> {
    let mut acts = vec![
        Act {
            user: BOB,
            minutes: 160,
            command: create(RoomKind::Public, "Bread", "Flour, water, salt, time"),
        },
        Act { user: ADA, minutes: 159, command: create(RoomKind::Private, "Plans", "What next?") },
        Act { user: ADA, minutes: 158, command: Command::Add { room: PLANS, user: BOB } },
    ];
    for (user, name) in [(ADA, "ada"), (BOB, "bob"), (CLEO, "cleo")] {
        acts.push(Act { user, minutes: 200, command: Command::Name { name: Nickname::from_stored(name) } });
    }
    for user in [ADA, CLEO] {
        let command = Command::Join { room: BREAD, by: chat::JoinBy::Open };
        acts.push(Act { user, minutes: 155, command });
    }
    for (user, room, minutes, line) in LINES {
        acts.push(Act { user, minutes, command: Command::Say { room, text: Text::from_stored(line) } });
    }
    acts.sort_by_key(|act| std::cmp::Reverse(act.minutes));
    acts
}

fn create(kind: RoomKind, name: &str, topic: &str) -> Command {
    Command::Create { kind, name: RoomName::from_stored(name), topic: Topic::from_stored(topic) }
}

fn device(user: UserId) -> Device {
    let mut id = [0; 16];
    for (byte, of_user) in id.iter_mut().zip(user.0.to_be_bytes()) {
        *byte = of_user;
    }
    Device { user, id: DeviceId(id) }
}

/// How many commands each has sent.
#[derive(Default)]
struct Counts(Vec<(UserId, CommandNumber)>);

impl Counts {
    fn next(&mut self, user: UserId) -> CommandNumber {
        if let Some((_, n)) = self.0.iter_mut().find(|(counted, _)| *counted == user) {
            *n = n.next();
            return *n;
        }
        let first = CommandNumber(1);
        self.0.push((user, first));
        first
    }
}
