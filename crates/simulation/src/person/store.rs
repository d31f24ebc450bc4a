//! What a client of `/v1` keeps through a crash: its identity, its outbox, and what it has seen up to its cursor.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::random::Random;

/// A command without an answer.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) n: u64,
    /// The index among the commands of the record.
    pub(super) index: usize,
    pub(super) event: &'static str,
    pub(super) fields: Value,
    /// Whether it was cancelled and replaced by a `skip`.
    pub(super) is_skip: bool,
}

/// A room as the client knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    pub(super) is_joined: bool,
    /// Whether only members may see it, as far as the client knows.
    pub(super) is_closed: bool,
    pub(super) is_host: bool,
    /// Everything up to this `rev` is known, as far as the client may see it.
    pub(super) rev: u64,
    /// Known entries beyond `rev`: the answer to an own command can overtake the events.
    ahead: BTreeSet<u64>,
    pub(super) seq: u64,
    /// The `rev` of the entry by which the client last joined or left.
    pub(super) changed: u64,
    /// The `seq` of each own message.
    pub(super) own: Vec<u64>,
    /// The others that it knows to be there.
    pub(super) others: BTreeSet<u64>,
}

impl Room {
    /// The client joins by the entry `rev`, unless that is known already.
    pub(super) fn enter(&mut self, rev: u64) {
        if rev > self.changed {
            self.is_joined = true;
            self.changed = rev;
            self.know_up_to(rev);
        }
    }

    /// An entry that brings somebody in describes the room, unless they have left again.
    pub(super) fn is_about(&mut self, about: &Value) {
        self.is_closed |= about["kind"].as_str().is_some_and(|kind| kind != "public");
    }

    /// The entry `rev` is known.
    pub(super) fn know(&mut self, rev: u64) {
        self.ahead.insert(rev);
        self.know_up_to(self.rev);
    }

    /// Everything up to `rev` is known.
    pub(super) fn know_up_to(&mut self, rev: u64) {
        self.rev = self.rev.max(rev);
        while self.ahead.remove(&(self.rev + 1)) {
            self.rev += 1;
        }
        self.ahead = self.ahead.split_off(&(self.rev + 1));
    }
}

/// A gap to fill: the entries after one `rev`, through another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) after: u64,
    pub(super) through: u64,
}

/// What the client has seen up to its cursor.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) cursor: Option<String>,
    /// The highest position that was seen or acked.
    pub(super) reached: u64,
    pub(super) rooms: BTreeMap<u64, Room>,
    pub(super) needs: BTreeMap<u64, Need>,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) token: Option<String>,
    /// By which it becomes a device of somebody, once.
    pub(super) link: Option<String>,
    pub(super) sign_in: Option<String>,
    pub(super) has_asked_link: bool,
    pub(super) user: Option<u64>,
    pub(super) has_name: bool,
    pub(super) device: String,
    next: u64,
    pub(super) outbox: VecDeque<Queued>,
    /// Unanswered commands of the previous device. The log may have them.
    pub(super) old: Vec<Queued>,
    old_device: String,
    /// Numbers of those commands that the log has.
    pub(super) found: BTreeSet<u64>,
    pub(super) view: View,
}

impl Store {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            token: None,
            link: None,
            sign_in: None,
            has_asked_link: false,
            user: None,
            has_name: false,
            device: device(random),
            next: 1,
            outbox: VecDeque::new(),
            old: Vec::new(),
            old_device: String::new(),
            found: BTreeSet::new(),
            view: View::default(),
        }
    }

    /// Takes the next command number.
    pub(super) fn number(&mut self) -> u64 {
        let n = self.next;
        self.next += 1;
        n
    }

    /// Forgets everything but the identity and the outbox.
    pub(super) fn forget(&mut self) {
        self.view = View::default();
        self.found.clear();
    }

    /// The log was set back: chooses a new device. The unanswered commands have to be looked up in the log.
    pub(super) fn start_over(&mut self, random: &mut Random) {
        self.forget();
        // After two restores in a row, the commands still belong to the device before the first one.
        if self.old.is_empty() {
            self.old_device = std::mem::replace(&mut self.device, device(random));
            self.old = self.outbox.drain(..).collect();
            self.next = 1;
        }
    }

    /// The log has a message with this device and number.
    pub(super) fn find(&mut self, device: &str, n: u64) {
        if !self.old.is_empty() && device == self.old_device {
            self.found.insert(n);
        }
    }
}

fn device(random: &mut Random) -> String {
    format!("{:016x}{:016x}", random.next(), random.next())
}
