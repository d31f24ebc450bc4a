//! [`World`]: one or two nodes over one log, with their disk and network, and the faults that hit them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use chat::{LogReader as _, MemoryDisk, Position};
use socketio_server::SocketIoService;
use tokio::io::DuplexStream;
use tokio::time::Instant;

use crate::hostile_log::{HostileDisk, HostileLog};
use crate::ledger::Ledger;
use crate::link::{Link, Mode};
use crate::node::Node;
use crate::node_number::NodeNumber;
use crate::random::Random;
use crate::rates::Rates;
use crate::record::{Generation, PageId, Record, Truth};

/// What people do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// They talk, and everything goes wrong.
    Hostile,
    /// They are silent, and nothing goes wrong any more.
    Quiet,
    /// Everybody sends one last message.
    LastWords,
}

/// Why a connection is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Upgrade,
}

/// Whether a client is there until the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stay {
    #[default]
    Stays,
    /// It goes for good, once the faults are over.
    Goes,
}

/// What one client must have achieved when the faults are over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) joined: bool,
    pub(crate) last: u64,
    /// Messages that are not answered yet.
    pub(crate) unanswered: usize,
    pub(crate) said_last_words: bool,
    /// The page knows no offset but a number, which a restored backup makes void.
    pub(crate) bare: bool,
    /// The user, for a client of `/v1`: `last` is then a position.
    pub(crate) user: Option<u64>,
    pub(crate) stay: Stay,
}

pub(crate) struct World {
    pub(crate) rates: Rates,
    pub(crate) record: RefCell<Record>,
    pub(crate) phase: Cell<Phase>,
    calm: Rc<Cell<bool>>,
    pub(crate) standings: RefCell<Vec<Standing>>,
    /// Socket id and next number of each connected page: what a squatter would have to know.
    pub(crate) next_keys: RefCell<Vec<(PageId, String)>>,
    /// Shared by the people of `/v1`: their tokens, the users who are there, and how many rooms were created.
    pub(crate) tokens: RefCell<Vec<String>>,
    pub(crate) people: RefCell<BTreeSet<u64>>,
    pub(crate) rooms: Cell<u64>,
    /// Codes of invites that the server has handed out.
    pub(crate) invites: RefCell<Vec<String>>,
    /// Codes of links that the server has handed out.
    pub(crate) links: RefCell<Vec<String>>,
    /// The sign-ins that were told, by their users.
    pub(crate) sign_ins: RefCell<BTreeSet<(u64, String)>>,
    /// People one of whose devices has signed another one out, or is about to.
    pub(crate) signing_out: RefCell<BTreeSet<u64>>,
    /// Removals that a host has announced: the user, and the room.
    pub(crate) farewells: RefCell<Vec<(u64, u64)>>,
    /// Polite visitors of a siege, as soon as they are known.
    pub(crate) neighbours: RefCell<Vec<u64>>,
    start: Instant,
    disk: HostileDisk,
    nodes: RefCell<[Option<Rc<Node>>; NodeNumber::COUNT_MAX]>,
    /// Processes that may still write, also those that are ending.
    processes: Cell<usize>,
    /// A backup is being put in the place of the log.
    is_restoring: Cell<bool>,
    random: RefCell<Random>,
    backups: RefCell<Vec<(MemoryDisk, Ledger)>>,
}

impl World {
    pub(crate) fn new(rates: Rates, memory: MemoryDisk, record: Record, mut random: Random) -> Rc<Self> {
        crate::meanwhile::begin_world(rates.turns, random.fork());
        let disk = HostileDisk::new(memory, &rates, random.fork());
        Rc::new(Self {
            rates,
            record: RefCell::new(record),
            phase: Cell::new(Phase::Hostile),
            calm: Rc::default(),
            standings: RefCell::default(),
            next_keys: RefCell::default(),
            tokens: RefCell::default(),
            people: RefCell::default(),
            rooms: Cell::default(),
            invites: RefCell::default(),
            links: RefCell::default(),
            sign_ins: RefCell::default(),
            signing_out: RefCell::default(),
            farewells: RefCell::default(),
            neighbours: RefCell::default(),
            start: Instant::now(),
            disk,
            nodes: RefCell::default(),
            processes: Cell::default(),
            is_restoring: Cell::default(),
            random: RefCell::new(random),
            backups: RefCell::default(),
        })
    }

    pub(crate) fn note(&self, what: std::fmt::Arguments<'_>) {
        let micros = self.micros();
        self.record.borrow_mut().note(micros, what);
    }

    /// Microseconds since the start of the run.
    pub(crate) fn micros(&self) -> u128 {
        self.start.elapsed().as_micros()
    }

    pub(crate) fn fork(&self) -> Random {
        self.random.borrow_mut().fork()
    }

    /// The epoch of the running nodes; 0 if none runs.
    pub(crate) fn epoch(&self) -> u64 {
        self.nodes.borrow().iter().flatten().next().map_or(0, |node| node.epoch)
    }

    fn node(&self, NodeNumber(at): NodeNumber) -> Option<Rc<Node>> {
        self.nodes.borrow().get(at).cloned().flatten()
    }

    /// The number of the process that runs there.
    pub(crate) fn life(&self, at: NodeNumber) -> Option<u64> {
        self.node(at).map(|node| node.life)
    }

    /// Whether the node lets its clients stay.
    pub(crate) fn is_ready(&self, at: NodeNumber) -> bool {
        self.node(at).is_some_and(|node| node.is_ready())
    }

    /// The node that a new client comes to.
    pub(crate) fn choose_node(&self, random: &mut Random) -> NodeNumber {
        let count = self.rates.nodes.count;
        if count == 1 { NodeNumber::FIRST } else { NodeNumber(random.index(count)) }
    }

    /// The node that a client reconnects to: preferably one that runs.
    pub(crate) fn roam(&self, at: NodeNumber, random: &mut Random) -> NodeNumber {
        let rates = &self.rates.nodes;
        if rates.count == 1 {
            return at;
        }
        let other = NodeNumber(1 - at.0);
        let per_mille = if self.node(at).is_none() { 900 } else { rates.roams / 2 };
        if !random.chance(per_mille) {
            return at;
        }
        self.record.borrow_mut().counts.moves += 1;
        other
    }

    pub(crate) fn head(&self) -> u64 {
        self.disk.reader().head().0
    }

    /// The next keys of all other connected pages.
    pub(crate) fn keys_of_others(&self, page: PageId) -> Vec<String> {
        let keys = self.next_keys.borrow();
        keys.iter().filter(|(other, _)| *other != page).map(|(_, key)| key.clone()).collect()
    }

    // The network.

    /// Opens a connection; `None` if nobody listens.
    pub(crate) async fn connect(
        self: &Rc<Self>,
        at: NodeNumber,
        address: Option<IpAddr>,
    ) -> Option<DuplexStream> {
        let attach = |node: &Node, server| node.attach(address, server);
        let connected = self.reach(at, Stage::Begin, attach).await;
        self.record.borrow_mut().counts.connections += u64::from(connected.is_some());
        connected
    }

    /// Opens a connection for an upgrade.
    pub(crate) async fn connect_to(self: Rc<Self>, at: NodeNumber, sid: String) -> Option<DuplexStream> {
        self.reach(at, Stage::Upgrade, |node, server| node.attach_to(&sid, server)).await
    }

    async fn reach(
        self: &Rc<Self>,
        at: NodeNumber,
        stage: Stage,
        attach: impl FnOnce(&Node, DuplexStream),
    ) -> Option<DuplexStream> {
        let mut random = self.fork();
        tokio::time::sleep(random.around(self.rates.link.delay)).await;
        let node = self.node(at)?;
        let is_calm = self.phase.get() != Phase::Hostile;
        let buffer = if is_calm { 1 << 16 } else { self.rates.link.buffer_bytes };
        let (client, near) = tokio::io::duplex(buffer);
        let (far, server) = tokio::io::duplex(buffer);
        let link = Link::between(near, far, self.rates.link.clone(), &self.calm, random.fork());
        attach(&node, server);
        if let Stage::Upgrade = stage
            && !is_calm
            && random.chance(self.rates.link.cuts_upgrades)
        {
            drop(tokio::task::spawn_local(Rc::clone(self).cut_upgrade(Rc::clone(&link), random.fork())));
        }
        if let Some(every) = self.rates.link.fault_every {
            // The task ends with its connection, with the faults, or with the world.
            drop(tokio::task::spawn_local(Rc::clone(self).disturb(link, every, random)));
        }
        Some(client)
    }

    /// The HTTP endpoint, with the life of its server.
    pub(crate) fn service(&self, at: NodeNumber) -> Option<(u64, SocketIoService)> {
        let node = self.node(at)?;
        Some((node.life, node.service()?))
    }

    /// Waits as long as a message is on its way.
    pub(crate) fn delay(&self, random: &mut Random) -> Duration {
        let delay = random.around(self.rates.link.delay);
        if self.calm.get() { Duration::from_millis(1) } else { delay }
    }

    /// Cuts a connection near one of the frames of an upgrade: the probe, its answer, or the last packet. Each of them
    /// is on its way for about one delay.
    async fn cut_upgrade(self: Rc<Self>, link: Rc<Link>, mut random: Random) {
        let frames = self.rates.link.delay * u32::try_from(random.within(0, 5)).unwrap_or(0);
        tokio::time::sleep(frames + random.around(self.rates.link.delay)).await;
        if self.phase.get() == Phase::Hostile {
            self.record.borrow_mut().counts.link_faults += 1;
            let late = Mode::Late(random.millis(10, 12_000));
            let late = if self.rates.nodes.count == 1 { late } else { Mode::HalfOpen };
            link.set(random.pick(&[Mode::Cut, Mode::Cut, Mode::HalfOpen, late]));
        }
    }

    async fn disturb(self: Rc<Self>, link: Rc<Link>, every: Duration, mut random: Random) {
        loop {
            tokio::time::sleep(random.around(every)).await;
            if link.is_over() || self.phase.get() != Phase::Hostile {
                return;
            }
            let rates = &self.rates.link;
            let sum = rates.cuts + rates.half_opens + rates.stalls + rates.late_bytes;
            let drawn = random.within(0, sum);
            let late = Mode::Late(random.millis(10, 12_000));
            self.record.borrow_mut().counts.link_faults += 1;
            if drawn < rates.cuts {
                link.set(Mode::Cut);
            } else if drawn < rates.cuts + rates.half_opens {
                link.set(Mode::HalfOpen);
            } else if drawn < sum - rates.stalls {
                link.set(Mode::Stalled);
                tokio::time::sleep(random.millis(100, 3_000)).await;
                link.set(late);
            } else {
                link.set(Mode::Stalled);
                tokio::time::sleep(random.millis(100, 15_000)).await;
                let after = random.pick(&[Mode::Open, Mode::Open, Mode::Cut, Mode::HalfOpen]);
                link.set(if self.phase.get() == Phase::Hostile { after } else { Mode::Open });
            }
        }
    }

    // The process.

    pub(crate) fn start_server(&self, at: NodeNumber) {
        let mut random = self.fork();
        let epoch = random.next() >> 16;
        let log = if self.processes.get() == 0 {
            HostileLog::open(&self.disk, epoch, at)
        } else {
            HostileLog::join(&self.disk, at)
        };
        let life = self.record.borrow().counts.starts;
        let node = Node::start(log, life, &self.rates, &mut random);
        let epoch = node.epoch;
        let mut record = self.record.borrow_mut();
        let generation = Generation(record.generations.len());
        record.epochs.insert(epoch, generation);
        record.counts.starts += 1;
        drop(record);
        let name = if self.rates.nodes.count == 1 { "the server".into() } else { format!("{at:?}") };
        self.note(format_args!("{name} starts: epoch {epoch}, head {}", self.head()));
        self.processes.set(self.processes.get() + 1);
        self.nodes.borrow_mut()[at.0] = Some(node);
    }

    fn take_node(&self, at: NodeNumber) -> Option<Rc<Node>> {
        self.nodes.borrow_mut()[at.0].take()
    }

    fn ended(&self, at: NodeNumber) {
        self.processes.set(self.processes.get() - 1);
        self.disk.ended(at);
    }

    async fn kill_server(&self, at: NodeNumber) {
        if let Some(node) = self.take_node(at) {
            node.kill().await;
            self.ended(at);
            // What was never flushed is lost with the machine, and not with one of two processes.
            if self.processes.get() == 0 {
                self.disk.cut_power();
            }
        }
    }

    async fn stop_server(&self, at: NodeNumber) {
        if let Some(node) = self.take_node(at) {
            node.stop().await;
            self.ended(at);
        }
    }

    /// Makes things go wrong while the faults last. After that, only restarts a server that has stopped by itself.
    pub(crate) async fn befall(self: Rc<Self>) {
        let mut random = self.fork();
        let far = Duration::from_hours(24);
        let mut draw = |every: Option<Duration>| {
            Instant::now() + every.map_or(far, |every| random.around(every) + Duration::from_millis(500))
        };
        let (mut crash, mut restart, mut restore) =
            (draw(self.rates.crash_every), draw(self.rates.restart_every), draw(self.rates.restore_every));
        loop {
            let Some(node) = self.node(NodeNumber::FIRST) else { return };
            let next = crash.min(restart).min(restore);
            let is_fatal = tokio::select! {
                biased;
                () = node.fatal.notified() => true,
                () = tokio::time::sleep_until(next) => false,
            };
            if !is_fatal && self.phase.get() != Phase::Hostile {
                return;
            }
            drop(node);
            self.back_up();
            if is_fatal || next == crash {
                self.record.borrow_mut().counts.crashes += 1;
                self.note(format_args!("the server is killed"));
                self.kill_server(NodeNumber::FIRST).await;
                crash = if is_fatal { crash } else { draw(self.rates.crash_every) };
            } else if next == restart {
                self.record.borrow_mut().counts.restarts += 1;
                self.note(format_args!("the server is stopped"));
                self.stop_server(NodeNumber::FIRST).await;
                restart = draw(self.rates.restart_every);
            } else {
                self.is_restoring.set(true);
                self.kill_server(NodeNumber::FIRST).await;
                self.kill_server(NodeNumber::OTHER).await;
                while self.processes.get() > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                self.restore_backup();
                self.is_restoring.set(false);
                restore = draw(self.rates.restore_every);
            }
            let down = self.fork().millis(0, 4_000);
            tokio::time::sleep(down).await;
            self.start_server(NodeNumber::FIRST);
        }
    }

    /// What befalls the second node: it comes later, and it is killed and stopped as the first. Never ends.
    pub(crate) async fn befall_other(self: Rc<Self>) {
        let at = NodeNumber::OTHER;
        let mut random = self.fork();
        let far = Duration::from_hours(24);
        loop {
            let down = random.millis(0, 4_000);
            tokio::time::sleep(down).await;
            while self.is_restoring.get() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.start_server(at);
            let Some(node) = self.node(at) else { continue };
            let mut draw = |every: Option<Duration>| {
                Instant::now() + every.map_or(far, |every| random.around(every) + Duration::from_millis(500))
            };
            let (crash, restart) = (draw(self.rates.crash_every), draw(self.rates.restart_every));
            let is_fatal = tokio::select! {
                biased;
                () = node.fatal.notified() => true,
                () = self.until_misfortune(node.life, crash.min(restart)) => false,
            };
            drop(node);
            if is_fatal || crash <= restart {
                self.record.borrow_mut().counts.crashes += 1;
                self.note(format_args!("{at:?} is killed"));
                self.kill_server(at).await;
            } else {
                self.record.borrow_mut().counts.restarts += 1;
                self.note(format_args!("{at:?} is stopped"));
                self.stop_server(at).await;
            }
        }
    }

    /// Ends at that moment, if there are still faults then, or when a process is gone.
    async fn until_misfortune(&self, life: u64, at: Instant) {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let is_due = Instant::now() >= at && self.phase.get() == Phase::Hostile;
            if is_due || self.life(NodeNumber::OTHER) != Some(life) {
                return;
            }
        }
    }

    fn back_up(&self) {
        let memory = self.disk.memory().copy();
        self.backups.borrow_mut().push((memory, self.disk.ledger()));
    }

    fn restore_backup(&self) {
        let backups = self.backups.take();
        let index = self.fork().index(backups.len());
        let Some((memory, ledger)) = backups.into_iter().nth(index) else { return };
        let head = ledger.entries().len() as u64;
        self.end_generation(head);
        self.disk.restore(memory.copy(), ledger.clone());
        self.backups.borrow_mut().push((memory, ledger));
        self.record.borrow_mut().counts.restores += 1;
        self.note(format_args!("a backup is restored: head {head}"));
    }

    /// Ends a generation: records what the log holds now.
    pub(crate) fn end_generation(&self, kept: u64) {
        let mut ledger = self.disk.ledger();
        if self.rates.nodes.count > 1 {
            // What a node had not passed on by now, its clients could not know.
            ledger.spread(u64::MAX, self.micros());
        }
        let log = ledger.entries().to_vec();
        self.record.borrow_mut().generations.push(Truth { log, kept });
    }

    /// Ends all faults.
    pub(crate) fn calm_down(&self) {
        self.record.borrow_mut().counts.overtaken = self.disk.overtaken();
        self.phase.set(Phase::Quiet);
        self.calm.set(true);
        crate::clock::calm_down();
        crate::meanwhile::calm_down();
        self.disk.heal();
    }

    /// The users who are connected, if one node knows them all.
    pub(crate) fn connected(&self) -> Option<BTreeSet<u64>> {
        let standings = self.standings.borrow();
        let there = standings.iter().filter(|standing| standing.joined && standing.stay == Stay::Stays);
        (self.rates.nodes.count == 1).then(|| there.filter_map(|standing| standing.user).collect())
    }

    /// What the nodes still have of clients that have all gone.
    pub(crate) async fn look_for_leftovers(&self) {
        for at in [NodeNumber::FIRST, NodeNumber::OTHER] {
            let Some(node) = self.node(at) else { continue };
            let leftovers = node.leftovers().await;
            self.record.borrow_mut().leftovers.extend(leftovers);
        }
    }

    /// Describes the clients that have not converged.
    pub(crate) fn stragglers(&self) -> Vec<String> {
        let head = self.disk.last_in_lobby();
        let standings = self.standings.borrow();
        let behind = standings.iter().enumerate().filter(|(_, standing)| {
            let silent = self.phase.get() == Phase::LastWords && !standing.said_last_words;
            let is_misled = standing.bare && !self.record.borrow().generations.is_empty();
            // A restored log that is empty shows nobody that it was restored, until somebody sends a message.
            let there = standing.user.map_or(head, |user| self.disk.last_visible(user));
            let is_behind = standing.last < there && !is_misled;
            standing.stay == Stay::Stays
                && (!standing.joined || is_behind || standing.unanswered > 0 || silent)
        });
        behind.map(|(client, standing)| format!("client {client}: {standing:?} at head {head}")).collect()
    }
}

/// A disk that has been used before.
pub(crate) fn used_disk(texts: &[String]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut log = chat::MemoryLog::open(&disk, chat::Epoch(1));
    for (text, number) in texts.iter().zip(1..) {
        let room = chat::RoomId::LOBBY;
        let entry = chat::Entry {
            position: Position(number),
            room,
            seq: chat::Seq(number),
            rev: chat::Rev(number),
            at: chat::UnixMillis(0),
            author: None,
            kind: chat::Kind::message(chat::Text::from_stored(text)),
        };
        let content = chat::ContentHash::of_message(room, text);
        let stored = chat::Log::append(&mut log, &[chat::Record::Entry { entry, key: None, content }]);
        debug_assert!(stored.is_ok(), "a new disk has no faults");
    }
    disk
}
