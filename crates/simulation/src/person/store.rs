//! What a client of `/v1` keeps through a crash: who it is, its outbox, and what it has seen up to its cursor.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::random::Random;

/// A command that is not answered yet.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) n: u64,
    /// Among the commands of the record.
    pub(super) index: usize,
    pub(super) event: &'static str,
    pub(super) fields: Value,
    /// It was taken back, and a `skip` stands in its place.
    pub(super) is_skip: bool,
}

/// A room as the client knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    pub(super) is_joined: bool,
    /// Known to be for its members alone.
    pub(super) is_closed: bool,
    pub(super) is_host: bool,
    /// Everything up to here is known, as far as it is for the client.
    pub(super) rev: u64,
    /// What is known beyond that: the answer to an own command may be ahead of the events.
    ahead: BTreeSet<u64>,
    pub(super) seq: u64,
    /// Of the entry by which the client came in or went.
    pub(super) changed: u64,
    /// Own messages that are not deleted.
    pub(super) own: Vec<u64>,
}

impl Room {
    /// The entry `rev` brings its reader in, unless that is known.
    pub(super) fn enter(&mut self, rev: u64) {
        if rev > self.changed {
            self.is_joined = true;
            self.changed = rev;
            self.know_up_to(rev);
        }
    }

    /// An entry is known.
    pub(super) fn know(&mut self, rev: u64) {
        self.ahead.insert(rev);
        self.know_up_to(self.rev);
    }

    /// Everything up to an entry is known.
    pub(super) fn know_up_to(&mut self, rev: u64) {
        self.rev = self.rev.max(rev);
        while self.ahead.remove(&(self.rev + 1)) {
            self.rev += 1;
        }
        self.ahead = self.ahead.split_off(&(self.rev + 1));
    }
}

/// What has to be asked for: what comes after a number, up to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) after: u64,
    pub(super) through: u64,
}

/// What was seen up to the cursor.
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
    pub(super) user: Option<u64>,
    pub(super) has_name: bool,
    pub(super) device: String,
    next: u64,
    pub(super) outbox: VecDeque<Queued>,
    /// Commands of the device before, of which it has to be found out whether the log has them.
    pub(super) old: Vec<Queued>,
    old_device: String,
    /// Numbers of that device that the log has.
    pub(super) found: BTreeSet<u64>,
    pub(super) view: View,
}

impl Store {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            token: None,
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

    /// The number for the next command.
    pub(super) fn number(&mut self) -> u64 {
        let n = self.next;
        self.next += 1;
        n
    }

    /// Everything but the outbox is gone.
    pub(super) fn forget(&mut self) {
        self.view = View::default();
        self.found.clear();
    }

    /// The log is not the one that it was: a new device, and what is not answered yet has to be looked for.
    pub(super) fn start_over(&mut self, random: &mut Random) {
        self.forget();
        // Of two restored backups in a row, the commands of the first are still those of the device before.
        if self.old.is_empty() {
            self.old_device = std::mem::replace(&mut self.device, device(random));
            self.old = self.outbox.drain(..).collect();
            self.next = 1;
        }
    }

    /// A message of this device and number stands in the log.
    pub(super) fn find(&mut self, device: &str, n: u64) {
        if !self.old.is_empty() && device == self.old_device {
            self.found.insert(n);
        }
    }
}

fn device(random: &mut Random) -> String {
    format!("{:016x}{:016x}", random.next(), random.next())
}
