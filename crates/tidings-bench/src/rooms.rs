//! `tidings-bench rooms`: many small rooms, in each of which everybody hears everybody.
//!
//! Measures any server with this contract, in namespace `/`; nothing is stored:
//!
//! - up `join room` (name, ack): acknowledged when the client is in the room;
//! - up `room message` (name, text, ack): acknowledged without arguments when it is on its way to the room;
//! - down `room message` (text, number), to all who are in the room, the sender too. Numbers count the messages of the room
//!   from 1, so that what is lost, doubled or out of order is seen.

use std::time::{Duration, Instant};

use super::options::Rooms;
use super::report::{Report, Span};
use super::target::Target;
use super::writers::Writers;
use super::{Failure, Fleet, progress};

const TURN_MAX: Duration = Duration::from_millis(10);

pub(crate) fn measure(options: &Rooms, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut fleet = Fleet::of_rooms(&target.host, options.text_bytes)?;
    fleet.join_rooms(options.clients, options.count.clamp(1, options.clients.max(1)))?;
    let mut writers = Writers::new(options.clients, options.rate);
    let time = Duration::from_secs(options.seconds);
    write_for(&mut fleet, &mut writers, "warming up", time / 5)?;
    drop(fleet.take_room_latencies());
    fleet.ack_latency = super::histogram::Histogram::default();
    let (before, span) = (fleet.deliveries(), Span::begin(target.tree)?);
    write_for(&mut fleet, &mut writers, "measuring", time)?;
    report.rates("deliveries", fleet.deliveries() - before, &span.end()?);
    report.latencies("delivery", &fleet.take_room_latencies());
    report.latencies("ack", &fleet.ack_latency);
    report.blame(fleet.judge()?);
    Ok(())
}

fn write_for(fleet: &mut Fleet, writers: &mut Writers, what: &str, time: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < time {
        fleet.turn(writers.wait().min(TURN_MAX))?;
        writers.write(fleet)?;
        progress::tell(what, start.elapsed().as_secs(), time.as_secs());
    }
    Ok(())
}
