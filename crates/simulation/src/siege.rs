//! [`Siege`]: a world with limits, in which some keep to them and others do not.
//!
//! The seed draws small limits, so that they are reached in seconds. Neighbours keep to half of each limit and flooders to
//! none. Nothing else goes wrong, so it can be told what each of them must notice: the [terms](Terms). Everybody else comes
//! from loopback, where no rate applies.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chat::ByTrust;
use socketio_server::{Config, Rate, StrangerBounds};
use tidings::allowance::ReadRates;
use tidings::node::Settings;
use tidings::quotas::{Quota, QuotaBounds};
use tidings::reading::fair::FairBounds;
use tidings::v1::session::NoticeRates;

use crate::random::Random;
use crate::record::siege::Terms;

/// Tells what is drawn here from all else.
const SIEGE: u64 = 0x0073_6965_6765;
const CONTACTS: u64 = 0x636f_6e74_6163_7473;

/// What one step of a request costs at least, and at most for what neighbours ask for.
const STEP_COST: u32 = 10;
const OWN_COST_MAX: u32 = 30;

/// Neighbours of one address. An address may do so many times what a person may.
pub(crate) const NEIGHBOURS_MAX: usize = 2;
const ADDRESS_FACTOR: u32 = 4;

/// For what takes no time in this world, and for rounding.
const SLACK: Duration = Duration::from_millis(150);

/// Who comes, and the limits.
#[derive(Clone, Debug)]
pub(crate) struct Siege {
    pub(crate) neighbours: usize,
    pub(crate) flooders: usize,
    /// Addresses of the flooders.
    dens: usize,
    pub(crate) commands: Rate,
    events: Rate,
    control_frames: Rate,
    sessions: Rate,
    connections_max: usize,
    pub(crate) notices: NoticeRates,
    /// Bytes of the past for one person.
    pub(crate) reading: Rate,
    quotas: QuotaBounds,
    requests: FairBounds,
}

/// The mean delays of a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    /// Of bytes on their way.
    pub(crate) link: Duration,
    /// Of a batch.
    pub(crate) batch: Duration,
    /// Of a page, or one step of a request.
    pub(crate) page: Duration,
}

impl Siege {
    /// What comes of a seed: in most worlds, nothing.
    pub(crate) fn draw(seed: u64) -> Option<Self> {
        let mut random = Random::new(seed ^ SIEGE);
        if !random.chance(250) {
            return None;
        }
        let small = |random: &mut Random| u32::try_from(random.within(2, 6)).unwrap_or(2);
        let contacts = Quota::an_hour(small(&mut random));
        let contacts_network = Random::new(seed ^ CONTACTS).pick(&[2, ADDRESS_FACTOR]);
        let bytes = Quota::a_day(random.pick(&[60_000, 200_000, 20_000_000]));
        let (rooms, renames) = (small(&mut random), small(&mut random));
        Some(Self {
            neighbours: random.index(2) + 2,
            flooders: random.index(3) + 1,
            dens: random.index(2) + 1,
            commands: Rate { per_second: random.pick(&[2, 5, 10]), burst: random.pick(&[4, 10, 30]) },
            events: Rate { per_second: random.pick(&[40, 100]), burst: random.pick(&[80, 300]) },
            control_frames: Rate { per_second: random.pick(&[5, 50]), burst: random.pick(&[20, 100]) },
            sessions: Rate { per_second: random.pick(&[1, 5]), burst: random.pick(&[6, 20]) },
            connections_max: random.pick(&[4, 8, 100]),
            notices: NoticeRates {
                typing: Rate { per_second: random.pick(&[1, 2]), burst: random.pick(&[1, 2, 10]) },
                reads: Rate { per_second: random.pick(&[1, 5]), burst: random.pick(&[2, 10]) },
            },
            reading: Rate {
                per_second: random.pick(&[20_000, 4_000_000]),
                burst: random.pick(&[100_000, 32_000_000]),
            },
            quotas: QuotaBounds {
                rooms_person: Quota::a_day(rooms),
                rooms_network: Quota::a_day(rooms * ADDRESS_FACTOR),
                joins_person: QuotaBounds::DEFAULT.joins_person,
                joins_network: QuotaBounds::DEFAULT.joins_network,
                renames: Quota::an_hour(renames),
                sign_ins_person: QuotaBounds::DEFAULT.sign_ins_person,
                contacts: ByTrust::all(contacts),
                contacts_network: Quota::a_day(contacts.count * contacts_network),
                newcomers_network: Quota::an_hour(60).at_once(random.pick(&[4, 8, 30])),
                bytes_person: ByTrust::all(bytes),
                bytes_network: Quota::a_day(bytes.count * ADDRESS_FACTOR),
            },
            requests: FairBounds {
                quantum: random.pick(&[20, 60, 200]),
                per_owner_max: random.pick(&[32, 8]),
                waiting_max: random.pick(&[2_048, 16]),
                ..FairBounds::DEFAULT
            },
        })
    }

    pub(crate) fn set(&self, settings: &mut Settings) {
        settings.reading = ReadRates { person: self.reading, network: times(self.reading) };
        settings.commands = ByTrust::all(self.commands);
        settings.commands_network = times(self.commands);
        settings.notices = self.notices;
        settings.quotas = self.quotas;
        settings.requests = self.requests;
    }

    pub(crate) fn configure(&self, config: &mut Config) {
        config.pacing.events = self.events;
        config.pacing.control_frames = self.control_frames;
        config.pacing.sessions = self.sessions;
        config.strangers = StrangerBounds {
            connections_max: self.connections_max,
            events: times(self.events),
            ..tidings::node::STRANGERS
        };
    }

    /// Bytes that a person may add to the log.
    pub(crate) fn bytes(&self) -> u32 {
        self.quotas.bytes_person.guest.burst
    }

    /// Where a neighbour lives.
    pub(crate) fn home(number: usize) -> IpAddr {
        address(1, number / NEIGHBOURS_MAX)
    }

    /// Where a flooder does.
    pub(crate) fn den(&self, number: usize) -> IpAddr {
        address(2, number % self.dens)
    }

    /// What the limits promise in a world with these delays.
    pub(crate) fn terms(&self, delays: Delays) -> Terms {
        // What is drawn around a mean is at most twice as much.
        let longest = |mean: Duration| mean * 2 + Duration::from_millis(2);
        // Bytes wait for those before them, and are then on their way; there and back.
        let way = longest(delays.link) * 4 + SLACK;
        // A draft waits for the batch before it.
        let commit = longest(delays.batch) * 2;
        let page = longest(delays.page);
        Terms {
            commands: self.commands,
            commands_network: times(self.commands),
            events: self.events,
            control_frames: self.control_frames,
            rooms: self.quotas.rooms_person,
            rooms_network: self.quotas.rooms_network,
            contacts: self.quotas.contacts.guest,
            contacts_network: self.quotas.contacts_network,
            renames: self.quotas.renames,
            way,
            command: way + commit,
            // Those that are too many wait until the rate allows one, and are sent once a second.
            read: way + commit + Duration::from_secs(1) * (self.notices.reads.burst + 3),
            request: way + page * self.steps_before(),
        }
    }

    /// So many steps of others come before one of somebody who asks for one thing after the other.
    fn steps_before(&self) -> u32 {
        let quantum = self.requests.quantum;
        let turn = quantum.div_ceil(STEP_COST) + 1;
        // What was asked before may have used up turns of its address.
        let turns = 2 + OWN_COST_MAX.div_ceil(quantum);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        // Flooders and loopback have full turns. Of neighbours, each asks for one thing at a time.
        (count(self.dens) + 1) * turn * turns + count(self.neighbours) * 2
    }
}

/// What all people of an address may do.
fn times(rate: Rate) -> Rate {
    Rate { per_second: rate.per_second * ADDRESS_FACTOR, burst: rate.burst * ADDRESS_FACTOR }
}

fn address(net: u8, host: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, net, u8::try_from(host).unwrap_or(u8::MAX)).into()
}
