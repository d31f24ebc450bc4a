//! [`World`]: one server with its disk and its network, and the faults that hit them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
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
    /// Removals that a host has announced: the user, and the room.
    pub(crate) farewells: RefCell<Vec<(u64, u64)>>,
    start: Instant,
    disk: HostileDisk,
    node: RefCell<Option<Rc<Node>>>,
    random: RefCell<Random>,
    backups: RefCell<Vec<(MemoryDisk, Ledger)>>,
}

impl World {
    pub(crate) fn new(rates: Rates, memory: MemoryDisk, record: Record, mut random: Random) -> Rc<Self> {
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
            farewells: RefCell::default(),
            start: Instant::now(),
            disk,
            node: RefCell::new(None),
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

    /// The epoch of the running server; 0 if none runs.
    pub(crate) fn epoch(&self) -> u64 {
        self.node.borrow().as_ref().map_or(0, |node| node.epoch)
    }

    /// Whether the running server lets its clients stay.
    pub(crate) fn is_ready(&self) -> bool {
        self.node.borrow().as_ref().is_some_and(|node| node.is_ready())
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
    pub(crate) async fn connect(self: &Rc<Self>) -> Option<DuplexStream> {
        let connected = self.reach(Stage::Begin, Node::attach).await;
        self.record.borrow_mut().counts.connections += u64::from(connected.is_some());
        connected
    }

    /// Opens a connection for an upgrade.
    pub(crate) async fn connect_to(self: Rc<Self>, sid: String) -> Option<DuplexStream> {
        self.reach(Stage::Upgrade, |node, server| node.attach_to(&sid, server)).await
    }

    async fn reach(
        self: &Rc<Self>,
        stage: Stage,
        attach: impl FnOnce(&Node, DuplexStream),
    ) -> Option<DuplexStream> {
        let mut random = self.fork();
        tokio::time::sleep(random.around(self.rates.link.delay)).await;
        let node = self.node.borrow().clone()?;
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

    /// The HTTP endpoint, with the epoch of its server.
    pub(crate) fn service(&self) -> Option<(u64, SocketIoService)> {
        let node = self.node.borrow();
        let node = node.as_ref()?;
        Some((node.epoch, node.service()?))
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

    pub(crate) fn start_server(&self) {
        let mut random = self.fork();
        let epoch = random.next() >> 16;
        let log = HostileLog::open(&self.disk, epoch);
        let node = Node::start(log, &self.rates, &mut random);
        let mut record = self.record.borrow_mut();
        let generation = Generation(record.generations.len());
        record.epochs.insert(epoch, generation);
        record.counts.starts += 1;
        drop(record);
        self.note(format_args!("the server starts: epoch {epoch}, head {}", self.head()));
        self.node.replace(Some(node));
    }

    async fn kill_server(&self) {
        let node = self.node.take();
        if let Some(node) = node {
            node.kill().await;
            self.disk.cut_power();
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
            let Some(node) = self.node.borrow().clone() else { return };
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
                self.kill_server().await;
                crash = if is_fatal { crash } else { draw(self.rates.crash_every) };
            } else if next == restart {
                self.record.borrow_mut().counts.restarts += 1;
                self.note(format_args!("the server is stopped"));
                let node = self.node.take();
                if let Some(node) = node {
                    node.stop().await;
                }
                restart = draw(self.rates.restart_every);
            } else {
                self.kill_server().await;
                self.restore_backup();
                restore = draw(self.rates.restore_every);
            }
            let down = self.fork().millis(0, 4_000);
            tokio::time::sleep(down).await;
            self.start_server();
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
        let log = self.disk.ledger().entries().to_vec();
        self.record.borrow_mut().generations.push(Truth { log, kept });
    }

    /// Ends all faults.
    pub(crate) fn calm_down(&self) {
        self.phase.set(Phase::Quiet);
        self.calm.set(true);
        crate::clock::calm_down();
        self.disk.heal();
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
            !standing.joined || is_behind || standing.unanswered > 0 || silent
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
