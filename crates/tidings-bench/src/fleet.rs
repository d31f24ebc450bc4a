//! [`Fleet`]: all clients of a run on one thread, behind one readiness queue.
//!
//! Owns the connections and the ledger; what is sent when is the workload's. One thread, so that what the generator costs is
//! known, and so that a core of its own is enough for it.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::Failure;
use super::client::{Client, Join, NOTHING_OLD, Progress, Stage};
use super::histogram::Histogram;
use super::host::Host;
use super::ledger::{Faults, Ledger, View};
use super::pollers::{FIRST_TOKEN, Pollers};
use super::progress;

const SCRATCH_BYTES: usize = 4 << 20;
const EVENTS_MAX: usize = 1_024;
/// Connections that are being made at once.
const CONNECTING_MAX: usize = 128;
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const TURN_MAX: Duration = Duration::from_millis(10);

pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    scratch: Vec<u8>,
    host: Host,
    /// Addresses that connections come from, in turn; none if it does not matter.
    pub(crate) sources: Vec<IpAddr>,
    pub(crate) clients: Vec<Client>,
    pub(crate) ledger: Ledger,
    /// A ledger for each room, if there are rooms: a client is in the one that its number says, modulo their count.
    rooms: Vec<Ledger>,
    pollers: Option<Pollers>,
    /// Tells the keys of this run from those of others.
    run: String,
    text_bytes: usize,
    pub(crate) joined: usize,
    pub(crate) acked: u64,
    /// Senders that have had an ack since they were last asked about.
    pub(crate) answered: Vec<u32>,
    pub(crate) ack_latency: Histogram,
    pub(crate) join_latency: Histogram,
    broken: u64,
    first_error: Option<io::Error>,
}

impl Fleet {
    /// Clients of a chat whose head is found out first, by sending one message if it is not known to be new.
    pub(crate) fn new(host: &Host, is_new: New, text_bytes: usize, audience: usize) -> Result<Self, Failure> {
        let start = Instant::now();
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mut fleet = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            scratch: vec![0; SCRATCH_BYTES],
            host: host.clone(),
            sources: Vec::new(),
            clients: Vec::new(),
            // As long as the head is not known, nothing is written down.
            ledger: Ledger::new(start, u64::MAX - 1, 0),
            rooms: Vec::new(),
            pollers: None,
            run: format!("{}-{}", std::process::id(), since.as_nanos()),
            text_bytes,
            joined: 0,
            acked: 0,
            answered: Vec::new(),
            ack_latency: Histogram::default(),
            join_latency: Histogram::default(),
            broken: 0,
            first_error: None,
        };
        let head = match is_new {
            New::Yes => 0,
            New::No => fleet.find_head()?,
        };
        fleet.ledger = Ledger::new(start, head, u32::try_from(audience).unwrap_or(u32::MAX));
        Ok(fleet)
    }

    /// Clients of a server of rooms. Those of this run are new, whatever was said in others.
    pub(crate) fn of_rooms(host: &Host, text_bytes: usize) -> Result<Self, Failure> {
        Self::new(host, New::Yes, text_bytes, 0)
    }

    fn find_head(&mut self) -> Result<u64, Failure> {
        self.join(1, NOTHING_OLD)?;
        self.send(0, 1)?;
        self.until("the first message", |fleet| {
            fleet
                .clients
                .first()
                .is_some_and(|client| client.view.last() != NOTHING_OLD && client.unacked.is_empty())
        })?;
        let head = self.clients.first().map_or(0, |client| client.view.last());
        self.cut();
        self.acked = 0;
        self.run.push('b');
        Ok(head)
    }

    /// Lets `count` clients join and waits until they have.
    pub(crate) fn join(&mut self, count: usize, server_offset: u64) -> Result<(), Failure> {
        let joins = vec![Join::after(server_offset); count];
        self.join_all(joins.into_iter())
    }

    /// Lets `count` clients join `rooms` rooms of this run's own, in turn.
    pub(crate) fn join_rooms(&mut self, count: usize, rooms: usize) -> Result<(), Failure> {
        let members = u32::try_from(count / rooms).unwrap_or(u32::MAX);
        self.rooms = (0..rooms).map(|_| self.ledger.another(members)).collect();
        let run = self.run.clone();
        self.join_all((0..count).map(|client| Join::room(format!("{run}-{}", client % rooms))))
    }

    /// Lets `count` clients join that stay with long-polling.
    pub(crate) fn join_pollers(&mut self, count: usize) -> Result<(), Failure> {
        let ledger = self.ledger.beside(u32::try_from(count).unwrap_or(u32::MAX));
        self.pollers =
            Some(Pollers::connect(self.host.plain_address()?, count, ledger, self.poll.registry())?);
        self.until("joining by polling", |fleet| {
            fleet.pollers.as_ref().is_none_or(|pollers| pollers.joined == pollers.count())
        })
    }

    /// What those have received who poll, and how long it took.
    pub(crate) fn polled(&self) -> Option<&Ledger> {
        self.pollers.as_ref().map(|pollers| &pollers.ledger)
    }

    /// A warm-up is over.
    pub(crate) fn measure_from_here(&mut self) {
        self.ledger.measure_from_here();
        if let Some(pollers) = &mut self.pollers {
            pollers.ledger.measure_from_here();
        }
        self.ack_latency = Histogram::default();
    }

    /// Messages received so far, in all rooms.
    pub(crate) fn deliveries(&self) -> u64 {
        self.ledger.deliveries + self.rooms.iter().map(|room| room.deliveries).sum::<u64>()
    }

    /// The latencies in all rooms; they are forgotten there.
    pub(crate) fn take_room_latencies(&mut self) -> Histogram {
        let mut all = Histogram::default();
        for room in &mut self.rooms {
            all.add(&room.latency);
            room.measure_from_here();
        }
        all
    }

    fn ledger_of(&self, client: usize) -> &Ledger {
        self.rooms.get(client % self.rooms.len().max(1)).unwrap_or(&self.ledger)
    }

    /// Adds clients, not too many at a time, and waits until all have joined.
    pub(crate) fn join_all(&mut self, mut joins: impl ExactSizeIterator<Item = Join>) -> Result<(), Failure> {
        let wanted = self.joined + joins.len();
        let deadline = Instant::now() + PATIENCE;
        while self.joined < wanted {
            while self.clients.len() - self.joined < CONNECTING_MAX
                && let Some(join) = joins.next()
            {
                self.add(join)?;
            }
            self.turn(TURN_MAX)?;
            progress::tell("joined", self.joined as u64, wanted as u64);
            if Instant::now() > deadline {
                return Err(Failure::Late { what: "joining" });
            }
        }
        Ok(())
    }

    fn source(&self, client: usize) -> Option<IpAddr> {
        self.sources.get(client.checked_rem(self.sources.len())?).copied()
    }

    fn add(&mut self, join: Join) -> Result<(), Failure> {
        let view = View::after(join.server_offset);
        let way = (&self.host, self.source(self.clients.len()));
        let mut client = Client::connect(way, join, view, self.ledger.now())?;
        let token = Token(self.clients.len());
        self.poll.registry().register(client.stream(), token, Interest::READABLE | Interest::WRITABLE)?;
        self.clients.push(client);
        Ok(())
    }

    /// Connects a client again that has been cut or not, with what it knows.
    pub(crate) fn come_back(&mut self, index: usize) -> Result<(), Failure> {
        let source = self.source(index);
        let Some(old) = self.clients.get_mut(index) else { return Ok(()) };
        let offset = self.ledger.recovery(old.view.last()).map(str::to_owned);
        let recovery = old.pid.clone().map(|pid| (pid, offset));
        let join = Join { server_offset: old.view.last(), recovery, room: None };
        let view = std::mem::take(&mut old.view);
        let mut client = Client::connect((&self.host, source), join, view, self.ledger.now())?;
        client.continue_from(old);
        self.poll.registry().register(
            client.stream(),
            Token(index),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        *old = client;
        Ok(())
    }

    /// Cuts all connections and forgets the clients.
    pub(crate) fn cut(&mut self) {
        self.clients.clear();
        self.joined = 0;
    }

    /// Sends messages of one client, in one write.
    pub(crate) fn send(&mut self, sender: u32, count: usize) -> Result<(), Failure> {
        let now = self.ledger.now();
        if let Some(client) = self.clients.get_mut(sender as usize) {
            client.send(&self.run, sender, count, self.text_bytes, now)?;
        }
        Ok(())
    }

    /// Waits for something to happen, for `timeout` at most, and takes it in.
    pub(crate) fn turn(&mut self, timeout: Duration) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let mut progress = Progress::default();
        for event in &self.events {
            let index = event.token().0;
            if index >= FIRST_TOKEN {
                if let Some(pollers) = &mut self.pollers {
                    pollers.ledger.complete.clear();
                    pollers.on_ready(event.token(), &mut self.scratch)?;
                }
                continue;
            }
            let Some(client) = self.clients.get_mut(index).filter(|client| client.stage != Stage::Closed)
            else {
                continue;
            };
            let mut result = Ok(());
            if event.is_writable() {
                result = client.on_writable();
            }
            if event.is_readable() && client.stage != Stage::Connecting {
                let rooms = self.rooms.len().max(1);
                let ledger = self.rooms.get_mut(index % rooms).unwrap_or(&mut self.ledger);
                result = result.and_then(|()| client.on_readable(&mut self.scratch, ledger, &mut progress));
            }
            if std::mem::take(&mut progress.joined) {
                self.joined += 1;
                self.join_latency.record(self.ledger.now().saturating_sub(client.started));
            }
            for latency in progress.acked.drain(..) {
                self.acked += 1;
                self.ack_latency.record(latency);
                self.answered.push(u32::try_from(index).unwrap_or(u32::MAX));
            }
            if let Err(error) = result {
                client.stage = Stage::Closed;
                self.broken += 1;
                self.first_error.get_or_insert(error);
            }
        }
        self.ledger.faults.refused += progress.refused;
        match self.first_error.take() {
            Some(error) => Err(Failure::Connection(error)),
            None => Ok(()),
        }
    }

    /// Takes turns until something is so.
    pub(crate) fn until(&mut self, what: &'static str, so: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !so(self) {
            self.turn(TURN_MAX)?;
            if Instant::now() > deadline {
                return Err(Failure::Late { what });
            }
        }
        Ok(())
    }

    /// Waits until everybody has everything, and judges.
    pub(crate) fn judge(&mut self) -> Result<Faults, Failure> {
        let settled = self.until("the last message", |fleet| {
            // What is acknowledged and was seen by nobody may still be on its way.
            let stamped = fleet.ledger.stamped + fleet.rooms.iter().map(|room| room.stamped).sum::<u64>();
            let mut clients = fleet.clients.iter().enumerate();
            let head = fleet.ledger.head();
            stamped >= fleet.acked
                && fleet.pollers.as_ref().is_none_or(|pollers| pollers.have_all_up_to(head))
                && clients.all(|(index, client)| {
                    client.view.last() >= fleet.ledger_of(index).head() && client.unacked.is_empty()
                })
        });
        match settled {
            // What is missing is counted, which says more.
            Ok(()) | Err(Failure::Late { .. }) => {}
            Err(failure) => return Err(failure),
        }
        if self.rooms.is_empty() {
            let faults = self.ledger.judge(self.clients.iter().map(|client| &client.view), self.acked);
            return Ok(match &mut self.pollers {
                Some(pollers) => faults.plus(pollers.judge()),
                None => faults,
            });
        }
        let rooms = self.rooms.len();
        let (mut faults, mut seen) = (self.ledger.faults, 0);
        for (number, room) in self.rooms.iter_mut().enumerate() {
            let members = self.clients.iter().skip(number).step_by(rooms);
            faults = faults.plus(room.judge(members.map(|client| &client.view), 0));
            seen += room.stamped;
        }
        Ok(Faults { acked_unseen: self.acked.saturating_sub(seen), ..faults })
    }
}

/// Whether the chat is known to be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum New {
    Yes,
    No,
}
