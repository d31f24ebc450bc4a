//! [`run`]: one seed, from the first connection to the verdict.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

use crate::checker::{Invariant, Recoveries, Violation, check};
use crate::client::Client;
use crate::exchange::UNHEARD_MAX;
use crate::node_number::NodeNumber;
use crate::person::Person;
use crate::planted::{Bug, plant};
use crate::random::Random;
use crate::rare::{RareCounts, take_counts};
use crate::rates::Rates;
use crate::record::siege::Siege;
use crate::record::{Answer, Counts, Nature, PageId, Record, Sent, Truth};
use crate::visitor::Visitor;
use crate::world::{Phase, World, used_disk};

/// The bound for convergence. A half-open connection is noticed 45 s after the faults; then comes the longest back-off.
const CONVERGENCE_MAX: Duration = Duration::from_secs(45);

/// The server's bound on the bytes of a recovery, and about how many bytes an entry has besides its text.
const RECOVERY_BYTES_MAX: usize = 1_000_000;
const FRAME_BYTES: usize = 100;

/// Without faults, everybody gets everything within this time.
const LAST_WORDS_MAX: Duration = Duration::from_secs(20);

/// After this long, a polling client that went without a word counts as offline: it is silent for 45 s, then comes the
/// time in which it could return, then the next notice.
const AWAY_MAX: Duration = Duration::from_secs(55);

/// Whether a run keeps its story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Only the verdict.
    Verdict,
    /// Every event with its time.
    Story,
}

/// The result of one seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// The rules that were broken; empty if all is well.
    pub violations: Vec<Violation>,
    /// A hash of every event with its time.
    pub hash: u64,
    /// How many lines its story has, kept or not.
    pub lines: u64,
    /// Counts of what happened.
    pub counts: Counts,
    /// How often each rare state was reached.
    pub rare: RareCounts,
    /// Names of the commands and requests that people of `/v1` sent.
    pub events: BTreeSet<&'static str>,
    /// Whether two nodes served the log.
    pub is_of_several: bool,
    /// Whether there were limits, and people who do not keep to them.
    pub is_siege: bool,
    /// How many messages were typed.
    pub messages: usize,
    /// How much virtual time passed.
    pub lasted: Duration,
    /// The story, if it was kept.
    pub story: Option<String>,
}

/// Runs one seed, with one bug planted or with none.
pub fn run(seed: u64, bug: Option<Bug>, telling: Telling) -> Run {
    plant(bug);
    drop(take_counts());
    let outcome = catch_unwind(AssertUnwindSafe(|| simulate(seed, telling)));
    plant(None);
    outcome.unwrap_or_else(|panic| {
        let told = panic.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        let violation = Violation { invariant: Invariant::Converges, detail: format!("panic: {told}") };
        Run {
            seed,
            violations: vec![violation],
            hash: 0,
            lines: u64::MAX,
            counts: Counts::default(),
            rare: take_counts(),
            events: BTreeSet::new(),
            is_of_several: false,
            is_siege: false,
            messages: 0,
            lasted: Duration::ZERO,
            story: None,
        }
    })
}

fn simulate(seed: u64, telling: Telling) -> Run {
    let mut random = Random::new(seed);
    socketio_server::simulation::seed(random.next());
    crate::random::seed_secrets(random.fork());
    let rates = Rates::of(seed, &mut random);
    let entries_max = rates.recovery_entries_max;
    let mut record =
        Record { story: (telling == Telling::Story).then(|| format!("{rates:#?}\n")), ..Record::default() };
    let old: Vec<String> = (0..rates.old_messages).map(|number| format!("old {number}")).collect();
    record.sent = old
        .iter()
        .map(|text| Sent {
            page: PageId(usize::MAX),
            text: text.clone(),
            nature: Nature::Proper,
            answer: Answer::Stored,
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output can be built");
    let (record, lasted) = LocalSet::new().block_on(&runtime, async {
        let start = Instant::now();
        crate::clock::begin(rates.clock_jumps, random.fork());
        let world = World::new(rates, used_disk(&old), record, random);
        live(&world).await;
        (world.record.take(), start.elapsed())
    });
    Run {
        seed,
        violations: check(&record, recoveries(&record, entries_max)),
        hash: record.hash,
        lines: record.lines,
        counts: record.counts,
        rare: take_counts(),
        events: record.events,
        is_of_several: record.is_of_several,
        is_siege: record.siege.is_some(),
        messages: record.sent.len() - old.len(),
        lasted,
        story: record.story,
    }
}

/// Whether every client that returns must be recovered. A log beyond the bounds of a recovery may be too much for some
/// of them.
fn recoveries(record: &Record, entries_max: usize) -> Recoveries {
    let fits = |truth: &Truth| {
        let lobby = truth.lobby();
        let texts = lobby.iter().flat_map(|(_, entry)| &entry.versions);
        let bytes: usize = texts.map(|version| version.text.len() + FRAME_BYTES).sum();
        lobby.len() <= entries_max && bytes < RECOVERY_BYTES_MAX && truth.log.len() <= entries_max * 32
    };
    if record.generations.iter().all(fits) { Recoveries::Always } else { Recoveries::UpToALimit }
}

async fn live(world: &Rc<World>) {
    world.start_server(NodeNumber::FIRST);
    let mut misfortunes = vec![tokio::task::spawn_local(Rc::clone(world).befall())];
    if world.rates.nodes.count > 1 {
        world.record.borrow_mut().is_of_several = true;
        misfortunes.push(tokio::task::spawn_local(Rc::clone(world).befall_other()));
    }
    let mut clients: Vec<_> =
        (0..world.rates.clients).map(|_| tokio::task::spawn_local(Client::new(world).run())).collect();
    clients.extend(begin_siege(world));
    clients.extend((0..world.rates.people).map(|_| tokio::task::spawn_local(Person::new(world).run())));
    tokio::time::sleep(world.rates.hostile).await;
    if let Some(siege) = &mut world.record.borrow_mut().siege {
        siege.over = world.micros();
    }
    world.calm_down();
    world.note(format_args!("the faults are over"));
    let over = Instant::now();
    // A half-open request looks like a waiting one until its time is over.
    tokio::time::sleep(UNHEARD_MAX).await;
    settle(world, CONVERGENCE_MAX).await;
    world.phase.set(Phase::LastWords);
    clients.push(tokio::task::spawn_local(Client::new(world).run()));
    settle(world, LAST_WORDS_MAX).await;
    // Until then, everybody has been told who went.
    tokio::time::sleep_until(over + AWAY_MAX).await;
    let connected = world.connected();
    world.record.borrow_mut().connected = connected;
    for task in clients.iter().chain(&misfortunes) {
        task.abort();
    }
    for task in clients.into_iter().chain(misfortunes) {
        // A panic in a task is a panic of this run.
        if let Err(error) = task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    // By then even those have gone who were silent without a word.
    tokio::time::sleep(AWAY_MAX).await;
    world.look_for_leftovers().await;
    world.end_generation(0);
}

/// Visitors come, if limits apply to anybody.
fn begin_siege(world: &Rc<World>) -> Vec<JoinHandle<()>> {
    let Some(siege) = &world.rates.siege else { return Vec::new() };
    let terms = siege.terms(world.rates.delays());
    world.record.borrow_mut().siege = Some(Siege { terms, visitors: Vec::new(), over: u128::MAX });
    Visitor::all(world, siege).into_iter().map(|visitor| tokio::task::spawn_local(visitor.run())).collect()
}

/// Waits until everybody has everything, for at most `time_max`.
async fn settle(world: &World, time_max: Duration) {
    let until = Instant::now() + time_max;
    tokio::time::sleep(Duration::from_secs(2)).await;
    loop {
        let stragglers = world.stragglers();
        if stragglers.is_empty() {
            return world.note(format_args!("everybody has everything"));
        }
        if Instant::now() >= until {
            return world.record.borrow_mut().complaints.extend(stragglers);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
