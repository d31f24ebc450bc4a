//! [`Flooder`]: sends as much as it gets through, of one kind on each connection.

use serde_json::json;
use tidings::v1::names;

use super::{Habit, Visitor};
use crate::browser::End;
use crate::random::Random;
use crate::record::LOBBY;
use crate::record::siege::Asked;

/// More has no answer yet: the flood goes on when there is less.
const AWAITED_MAX: usize = 60;

/// Sent at once.
const WAVE: u64 = 30;

/// Open requests of one connection: the server's bound, and one more.
const REQUESTS_MAX: usize = 17;

/// Packets without a meaning that are sent before the next ask.
const STRAYS: u64 = 100;

/// What is flooded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flood {
    #[default]
    Talk,
    Rooms,
    Contacts,
    Names,
    Requests,
    Reads,
    Typing,
    Strays,
    ControlFrames,
    /// Connections, of somebody new each time.
    People,
}

const FLOODS: [Flood; 12] = [
    Flood::Talk,
    Flood::Rooms,
    Flood::Contacts,
    Flood::Contacts,
    Flood::Names,
    Flood::Requests,
    Flood::Requests,
    Flood::Reads,
    Flood::Typing,
    Flood::Strays,
    Flood::ControlFrames,
    Flood::People,
];

/// One connection of a flooder.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flooder {
    flood: Flood,
    is_new: bool,
    waves: u64,
    waves_max: u64,
}

impl Flooder {
    pub(super) fn of(random: &mut Random) -> Self {
        let flood = random.pick(&FLOODS);
        let is_new = flood == Flood::People || random.chance(300);
        // Each answer is followed by the next wave.
        let waves_max = match flood {
            Flood::People => 1,
            Flood::Requests => random.within(50, 1_000),
            _ => random.within(5, 80),
        };
        Self { flood, is_new, waves: 0, waves_max }
    }

    pub(super) fn is_somebody_new(&self) -> bool {
        self.is_new
    }
}

impl Visitor {
    /// Sends the next wave, if not too much is unanswered. Leaves after some.
    pub(super) fn flood(&mut self) -> Option<End> {
        let Habit::Hostile(flooder) = &mut self.habit else { return None };
        if flooder.waves >= flooder.waves_max {
            return Some(self.leave());
        }
        flooder.waves += 1;
        let (flood, is_first) = (flooder.flood, flooder.waves == 1);
        if self.awaited.len() >= AWAITED_MAX {
            return None;
        }
        match flood {
            Flood::Talk => (0..WAVE).for_each(|_| drop(self.say())),
            Flood::Rooms => (0..WAVE).for_each(|number| {
                let name = format!("den {number}");
                drop(self.command(Asked::Create, "create", json!({ "kind": "private", "name": name })));
            }),
            Flood::Contacts => self.flood_contacts(),
            Flood::Names => (0..WAVE).for_each(|_| {
                drop(self.name("f"));
            }),
            Flood::Requests => {
                while self.awaited.len() < REQUESTS_MAX {
                    let limit = self.random.pick(&[50, 5, 1]);
                    let fields = json!({ "room": LOBBY, "limit": limit });
                    self.ask(Asked::Request, "history", &fields);
                }
            }
            Flood::Reads => (0..WAVE).for_each(|_| self.move_pointer(self.seq.max(1))),
            Flood::Typing => (0..WAVE).for_each(|_| {
                self.tell_typing(Asked::Typing, names::TYPING);
            }),
            Flood::Strays => {
                (0..STRAYS).for_each(|_| self.send(format!("43{}7[]", super::NAMESPACE)));
                self.ask(Asked::Request, "who", &json!({}));
            }
            Flood::ControlFrames if is_first => {
                let sent = (self.world.micros(), WAVE * 5);
                (0..sent.1).for_each(|_| self.outbox.push("6".into()));
                self.visit(|visit| visit.control_frames = Some(sent));
            }
            Flood::ControlFrames | Flood::People => {}
        }
        None
    }

    /// Talks to everybody who is polite.
    fn flood_contacts(&mut self) {
        let neighbours = self.world.neighbours.borrow().clone();
        for user in neighbours.into_iter().cycle().take(usize::try_from(WAVE).unwrap_or(0)) {
            let fields = json!({ "with": [format!("{user:016x}")] });
            drop(self.command(Asked::Direct(user), "direct", fields));
        }
    }
}
