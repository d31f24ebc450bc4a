//! [`Rates`]: how hostile one world is. The seed decides, because bugs hide where the usual mixture never goes.

use std::time::Duration;

use crate::full::Spell;
use crate::random::Random;
use crate::siege::{Delays, Siege};

/// What may happen in a run, and how often. Probabilities are in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    pub(crate) nodes: NodeRates,
    pub(crate) turns: TurnRates,
    pub(crate) clients: usize,
    pub(crate) workers: usize,
    /// How long there are faults.
    pub(crate) hostile: Duration,
    /// Messages that are in the log at the start.
    pub(crate) old_messages: u64,
    // The server.
    pub(crate) ring_bytes_max: usize,
    pub(crate) recovery_entries_max: usize,
    /// How many entries a person of `/v1` may be behind and still be resumed.
    pub(crate) resume_entries_max: u64,
    /// A page of history with more bytes is cut.
    pub(crate) history_bytes_max: usize,
    /// How many rooms a person can be in. Where that is few, people reach the bound.
    pub(crate) rooms_joined_max: usize,
    pub(crate) middleware: Option<Duration>,
    pub(crate) history_delay: Duration,
    pub(crate) history_fails: u64,
    // The disk.
    pub(crate) disk_latency: Duration,
    pub(crate) disk_stalls: u64,
    pub(crate) rolls_back: u64,
    pub(crate) unknown: u64,
    pub(crate) lookups_fail: u64,
    /// Starts before which a later version has written, and appends just before which another node of a later version does.
    pub(crate) later_kinds: u64,
    /// When the disk is full, or takes no writes.
    pub(crate) full: Vec<Spell>,
    /// Batches that are announced twice.
    pub(crate) echoes: u64,
    /// Interleaving points at which another thread acts.
    pub(crate) interleaves: u64,
    // The process. The mean time between two events; `None` if it never happens.
    pub(crate) crash_every: Option<Duration>,
    pub(crate) restart_every: Option<Duration>,
    pub(crate) restore_every: Option<Duration>,
    /// Readings of the wall clock that find it changed.
    pub(crate) clock_jumps: u64,
    // The network.
    pub(crate) link: LinkRates,
    // The people.
    pub(crate) typing_pause: Duration,
    pub(crate) reload_every: Option<Duration>,
    pub(crate) ack_timeout: Duration,
    pub(crate) says_hi: u64,
    pub(crate) reuses_keys: u64,
    pub(crate) squats: u64,
    pub(crate) sends_nonsense: u64,
    pub(crate) pipelines: u64,
    /// Pages of other client libraries.
    pub(crate) bare: u64,
    pub(crate) reads_slowly: u64,
    /// Pages that poll.
    pub(crate) polls: u64,
    /// Polling pages that upgrade to WebSocket.
    pub(crate) upgrades: u64,
    /// Connections that send CONNECT twice.
    pub(crate) connects_twice: u64,
    /// Connections to `/v1` with the token and cursor of another server.
    pub(crate) foreign: u64,
    pub(crate) bursts: u64,
    /// Clients of `/v1`.
    pub(crate) people: usize,
    /// Packets after which a client of `/v1` crashes.
    pub(crate) crashes_client: u64,
    /// Connections on which such a client sends its first command last.
    pub(crate) jumps: u64,
    /// Those to whom limits apply, if any.
    pub(crate) siege: Option<Siege>,
}

/// What happens within and between the turns of workers. Probabilities are in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TurnRates {
    /// Actions of a worker before which another thread acts.
    pub(crate) acts: u64,
    /// Turns that take only some of the commands that wait.
    pub(crate) cuts: u64,
    /// Turns for which the worker is late.
    pub(crate) rests: u64,
    /// How late it usually is.
    pub(crate) rest: Duration,
    /// How many packets of one connection are handled in a turn.
    pub(crate) packets_max: usize,
}

/// The nodes over the log, and how they learn of each other's entries. Probabilities are in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct NodeRates {
    pub(crate) count: usize,
    /// The usual delay of the news that the other node has appended.
    pub(crate) news_delay: Duration,
    pub(crate) news_lost: u64,
    pub(crate) news_repeated: u64,
    /// A node without news looks into the log after this.
    pub(crate) look_every: Duration,
    /// Reconnects for which a client may choose another node.
    pub(crate) roams: u64,
    /// Appends just before which the other node appends.
    pub(crate) overtakes: u64,
}

/// How bad connections are. Probabilities are in thousandths.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkRates {
    pub(crate) delay: Duration,
    /// Bytes on the way that block the sender.
    pub(crate) buffer_bytes: usize,
    pub(crate) slice_bytes: usize,
    pub(crate) fault_every: Option<Duration>,
    /// The weights of the faults.
    pub(crate) cuts: u64,
    pub(crate) half_opens: u64,
    pub(crate) stalls: u64,
    pub(crate) late_bytes: u64,
    /// Requests of polling clients that break.
    pub(crate) breaks_request: u64,
    /// Upgrades whose WebSocket breaks before they are complete.
    pub(crate) cuts_upgrades: u64,
}

impl Rates {
    /// What comes of a seed. Worlds with one node are what they would be without any with two.
    pub(crate) fn of(seed: u64, random: &mut Random) -> Self {
        let mut rates = Self::draw(random);
        rates.nodes = NodeRates::draw(&mut Random::new(seed ^ NODES));
        rates.turns = TurnRates::draw(&mut Random::new(seed ^ TURNS));
        if rates.nodes.count > 1 {
            // A ghost on another node is not evicted: what its client had sent may be stored after what came later.
            rates.link.late_bytes = 0;
        }
        rates.full = Spell::draw(seed, rates.hostile);
        rates.later_kinds = Random::new(seed ^ LATER).pick(&[0, 0, 50, 300]);
        if let Some(siege) = Siege::draw(seed) {
            rates.calm_for(siege, &mut Random::new(seed ^ CALM));
        }
        rates
    }

    /// Takes all faults but people out of a world with limits.
    fn calm_for(&mut self, siege: Siege, random: &mut Random) {
        self.nodes = NodeRates::ONE;
        self.turns.rests = 0;
        self.clients = 2;
        self.people = self.people.min(2);
        self.hostile = random.millis(8_000, 20_000);
        self.old_messages = self.old_messages.min(40);
        (self.recovery_entries_max, self.resume_entries_max) = (2_000, 5_000);
        (self.history_bytes_max, self.rooms_joined_max) = (256 << 10, 1_000);
        (self.middleware, self.history_fails) = (None, 0);
        self.history_delay = random.millis(1, 50);
        self.disk_latency = random.millis(0, 30);
        (self.disk_stalls, self.rolls_back, self.unknown, self.lookups_fail) = (0, 0, 0, 0);
        self.later_kinds = 0;
        self.full.clear();
        (self.crash_every, self.restart_every, self.restore_every) = (None, None, None);
        self.link = LinkRates {
            delay: random.millis(0, 10),
            buffer_bytes: 1 << 18,
            slice_bytes: 1 << 16,
            ..LinkRates::default()
        };
        self.typing_pause = self.typing_pause.max(Duration::from_millis(500));
        self.reads_slowly = 0;
        self.siege = Some(siege);
    }

    pub(crate) fn delays(&self) -> Delays {
        Delays { link: self.link.delay, batch: self.disk_latency, page: self.history_delay }
    }

    fn draw(random: &mut Random) -> Self {
        let slow_disk = random.chance(200);
        let interleaves = random.pick(&[0, 500, 1_000]);
        // Only a task that waits for the disk can be interrupted.
        let fast_disk = if interleaves == 0 { 20 } else { 300 };
        Self {
            nodes: NodeRates::ONE,
            turns: TurnRates::default(),
            clients: random.index(5) + 2,
            workers: random.index(3) + 1,
            hostile: random.millis(10_000, 60_000),
            old_messages: random.pick(&[0, 0, 0, 3, 40, 700]),
            ring_bytes_max: random.pick(&[1, 3_000, 30_000, 1 << 20]),
            recovery_entries_max: random.pick(&[2_000, 2_000, 2_000, 3, 20]),
            resume_entries_max: random.pick(&[5_000, 5_000, 30, 3]),
            history_bytes_max: if random.chance(300) { 500 } else { 256 << 10 },
            rooms_joined_max: random.pick(&[1_000, 1_000, 1_000, 2]),
            middleware: random.chance(300).then(|| random.millis(1, 400)),
            history_delay: random.millis(1, 300),
            history_fails: random.pick(&[0, 0, 20, 150]),
            disk_latency: if slow_disk { random.millis(50, 800) } else { random.millis(0, fast_disk) },
            disk_stalls: random.pick(&[0, 0, 5, 30]),
            rolls_back: random.pick(&[0, 0, 30, 300]),
            unknown: random.pick(&[0, 0, 20, 100]),
            lookups_fail: random.pick(&[0, 0, 20]),
            later_kinds: 0,
            full: Vec::new(),
            echoes: random.pick(&[0, 300]),
            interleaves,
            crash_every: sometimes(random, 600, 4_000, 30_000),
            restart_every: sometimes(random, 300, 8_000, 40_000),
            restore_every: sometimes(random, 300, 10_000, 40_000),
            clock_jumps: random.pick(&[0, 20, 100]),
            link: LinkRates::draw(random),
            typing_pause: random.millis(50, 4_000),
            reload_every: sometimes(random, 500, 5_000, 60_000),
            ack_timeout: Duration::from_millis(random.pick(&[10_000, 10_000, 3_000, 800])),
            says_hi: random.pick(&[0, 100, 600]),
            reuses_keys: random.pick(&[0, 50]),
            squats: random.pick(&[0, 50]),
            sends_nonsense: random.pick(&[0, 50]),
            pipelines: random.pick(&[0, 200, 500]),
            bare: random.pick(&[0, 0, 300]),
            polls: random.pick(&[0, 300, 700]),
            upgrades: random.pick(&[0, 500, 1_000]),
            reads_slowly: random.pick(&[0, 200, 500]),
            connects_twice: random.pick(&[0, 0, 300]),
            foreign: random.pick(&[0, 0, 200]),
            bursts: random.pick(&[0, 0, 50]),
            people: random.pick(&[0, 1, 2, 3, 4]),
            crashes_client: random.pick(&[0, 1, 10, 40]),
            jumps: random.pick(&[0, 100, 500]),
            siege: None,
        }
    }
}

/// Tells what is drawn for the nodes from all else.
const NODES: u64 = 0x006e_6f64_6573;

/// The same for the turns of workers.
const TURNS: u64 = 0x0074_7572_6e73;

impl TurnRates {
    fn draw(random: &mut Random) -> Self {
        Self {
            acts: random.pick(&[0, 5, 50, 300]),
            cuts: random.pick(&[0, 100, 500]),
            rests: random.pick(&[0, 20, 200]),
            rest: random.millis(1, 100),
            packets_max: random.pick(&[64, 64, 64, 7, 2, 1]),
        }
    }
}

/// The same for the delays of a siege.
const CALM: u64 = 0x6965_6765_0000_0073;

/// Tells what is drawn for later versions from all else.
const LATER: u64 = 0x006c_6174_6572;

impl NodeRates {
    pub(crate) const ONE: Self = Self {
        count: 1,
        news_delay: Duration::ZERO,
        news_lost: 0,
        news_repeated: 0,
        look_every: Duration::ZERO,
        roams: 0,
        overtakes: 0,
    };

    fn draw(random: &mut Random) -> Self {
        if !random.chance(300) {
            return Self::ONE;
        }
        Self {
            count: 2,
            news_delay: if random.chance(300) { random.millis(50, 2_500) } else { random.millis(0, 50) },
            news_lost: random.pick(&[0, 0, 100, 700]),
            news_repeated: random.pick(&[0, 200]),
            look_every: random.millis(100, 4_000),
            roams: random.pick(&[1_000, 500, 200]),
            overtakes: random.pick(&[0, 100, 500]),
        }
    }
}

impl LinkRates {
    fn draw(random: &mut Random) -> Self {
        Self {
            delay: if random.chance(250) { random.millis(0, 4) } else { random.millis(0, 150) },
            buffer_bytes: random.pick(&[300, 1_000, 20_000, 1 << 18]),
            slice_bytes: random.pick(&[1, 7, 500, 1 << 16]),
            fault_every: sometimes(random, 800, 1_000, 30_000),
            cuts: random.within(0, 10),
            half_opens: random.within(0, 4),
            stalls: random.within(0, 6),
            late_bytes: random.within(0, 4),
            breaks_request: random.pick(&[0, 10, 50]),
            cuts_upgrades: random.pick(&[0, 0, 300]),
        }
    }
}

fn sometimes(random: &mut Random, per_mille: u64, low: u64, high: u64) -> Option<Duration> {
    random.chance(per_mille).then(|| random.millis(low, high))
}
