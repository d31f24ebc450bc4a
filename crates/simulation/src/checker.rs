//! The checker: twenty-one invariants over what people typed, were told and saw, and over the contents of the log.
//!
//! It knows nothing of how the server works. Entries that a restored backup took back are lost on purpose, so nobody is
//! blamed for them. But every client must notice the restore: nobody may continue as if nothing had happened.

mod commands;
mod company;
mod limits;
mod members;
mod rights;
mod sign_ins;
mod views;

use std::collections::HashMap;
use std::fmt;

use self::members::Members;
use crate::record::{Answer, Generation, Nature, Page, PageId, Record, Sight, Stored, Truth};

/// A rule that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// I1: the log has every acked message exactly once.
    AckedOnce,
    /// I2: the log has nothing that nobody sent, and nothing more often than it was sent.
    NothingInvented,
    /// I3: the messages that a page sees are contiguous and increasing, without repeats.
    Contiguous,
    /// I4: all pages see the same message at the same position.
    OneOrder,
    /// I5: the messages of one page are in the order in which they were typed.
    SenderOrder,
    /// I6: a message that somebody has seen never disappears.
    NothingVanishes,
    /// I7: a new page sees everything.
    NewcomersSeeAll,
    /// I8: a recovered page has missed nothing, and a page that returns in time is recovered.
    RecoveredWithoutGap,
    /// I9: after the faults, everybody has everything within a bounded time.
    Converges,
    /// I10: a refused message is not in the log, and a proper message is never refused.
    RefusedMeansAbsent,
    /// I11: only members see what is in a private room, each from the entry by which they join to
    /// the entry by which they leave. Only members type, and only members are told so; only a person's own devices are
    /// told of the person's read pointers.
    MembersOnly,
    /// I12: a text that was edited or deleted is never sent again.
    DeletedIsGone,
    /// I13: a read pointer never moves back.
    PointersMoveForward,
    /// I14: the times of entries never go back, except by more than five minutes, after a clock that was wrong.
    TimesRunOn,
    /// I15: after the faults, everybody knows who is online.
    PresenceAgrees,
    /// I16: after the faults, all devices of a person know how far the person has read.
    PointersAgree,
    /// I17: nobody does what the tables of docs/permissions.md do not permit, and nobody is told what these keep from
    /// them.
    Permitted,
    /// I18: who keeps to half of each limit is never refused, never waits and is never cut off, whatever others do.
    HalfIsFree,
    /// I19: what is beyond a limit waits or is refused, as docs/limits.md says.
    ExcessWaits,
    /// I20: when all clients have gone, the server has nothing of them any more, and nothing is charged to anybody for it.
    BudgetsReturn,
    /// I21: a sign-in that has ended never begins again: nobody connects by it, no connection by it stays, and nothing else
    /// ends one. Only the person is told of it.
    EndedStaysEnded,
}

/// The server waits for a clock that was set back by at most this many milliseconds.
const TIMES_BACK: u64 = 5 * 60 * 1_000;

/// A broken rule, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule that was broken.
    pub invariant: Invariant,
    /// The evidence, for people to read.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.detail)
    }
}

/// Whether every page that returns must be recovered, or may get everything after its last message instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recoveries {
    /// No absence is too long for the server: it must recover everybody.
    Always,
    /// The server may give up on a long absence.
    UpToALimit,
}

/// Judges a run. An empty list means that no rule was broken.
pub fn check(record: &Record, recoveries: Recoveries) -> Vec<Violation> {
    let lobbies = record.generations.iter().map(Truth::lobby).collect();
    let mut court = Court { record, recoveries, lobbies, violations: Vec::new() };
    court.check_log();
    court.check_order_of_senders();
    court.check_times();
    for (index, page) in record.pages.iter().enumerate() {
        court.check_page(PageId(index), page);
    }
    let members: Vec<Members<'_>> = record.generations.iter().map(Members::of).collect();
    court.check_commands(&members);
    court.check_views(&members);
    court.check_beliefs();
    court.check_limits();
    court.check_sign_ins();
    for complaint in &record.complaints {
        court.object(Invariant::Converges, complaint.clone());
    }
    court.violations
}

/// Violations quote texts, which may be long.
const DETAIL_CHARS_MAX: usize = 160;

struct Court<'a> {
    record: &'a Record,
    recoveries: Recoveries,
    /// Messages of the lobby in each generation.
    lobbies: Vec<Vec<(u64, &'a Stored)>>,
    violations: Vec<Violation>,
}

/// The counts of one text. Several people may send the same text.
#[derive(Default)]
struct Tally {
    sent: usize,
    acked: usize,
    refused: usize,
    /// Sends that may be in the log, proper or not.
    possible: usize,
    stored: usize,
    taken_back: usize,
}

impl Court<'_> {
    fn object(&mut self, invariant: Invariant, mut detail: String) {
        if let Some((end, _)) = detail.char_indices().nth(DETAIL_CHARS_MAX) {
            detail.truncate(end);
        }
        // A few of a kind are enough; more would hide the others.
        if self.violations.iter().filter(|known| known.invariant == invariant).count() < 3 {
            self.violations.push(Violation { invariant, detail });
        }
    }

    /// Checks I1, I2 and I10.
    fn check_log(&mut self) {
        let mut tallies: HashMap<&str, Tally> = HashMap::new();
        for sent in &self.record.sent {
            let tally = tallies.entry(&sent.text).or_default();
            tally.sent += 1;
            match (&sent.answer, sent.nature) {
                (Answer::Stored, _) => tally.acked += 1,
                (Answer::Refused(code), Nature::Proper) => {
                    let detail = format!("{:?} was refused as {code}", sent.text);
                    tally.refused += 1;
                    self.object(Invariant::RefusedMeansAbsent, detail);
                }
                (Answer::Refused(_), Nature::ReusesKey | Nature::Nonsense) => tally.refused += 1,
                (Answer::None, _) => {}
            }
            if sent.nature != Nature::Nonsense && !matches!(sent.answer, Answer::Refused(_)) {
                tally.possible += 1;
            }
        }
        let Some((last, past)) = self.record.generations.split_last() else { return };
        for (_, text) in typed(last) {
            tallies.entry(text).or_default().stored += 1;
        }
        for truth in past {
            for (_, text) in typed(truth).filter(|(position, _)| *position > truth.kept) {
                tallies.entry(text).or_default().taken_back += 1;
            }
        }
        let mut tallies: Vec<_> = tallies.into_iter().collect();
        tallies.sort_by_key(|(text, _)| *text);
        for (text, tally) in tallies {
            let Tally { sent, acked, refused, possible, stored, taken_back } = tally;
            if stored + taken_back < acked {
                self.object(
                    Invariant::AckedOnce,
                    format!("{text:?}: {acked} acked as stored, {stored} in the log"),
                );
            }
            if stored > sent {
                self.object(Invariant::NothingInvented, format!("{text:?}: sent {sent}, stored {stored}"));
            } else if stored > possible {
                self.object(
                    Invariant::RefusedMeansAbsent,
                    format!("{text:?}: {refused} refused, yet {stored} of {sent} in the log"),
                );
            }
        }
    }

    /// Checks I14.
    fn check_times(&mut self) {
        for truth in &self.record.generations {
            for (before, entry) in truth.log.iter().zip(truth.log.iter().skip(1)) {
                let back = before.at.saturating_sub(entry.at);
                if (1..=TIMES_BACK).contains(&back) {
                    let detail =
                        format!("{}/{} is {back} ms before the entry before it", entry.room, entry.rev);
                    self.object(Invariant::TimesRunOn, detail);
                }
            }
        }
    }

    /// Checks I5. A text that several people sent has no order; the others name their page and number. A text that a page
    /// gave up may still wait at a node that the page left, and be stored after later texts.
    fn check_order_of_senders(&mut self) {
        let mut by_text: HashMap<&str, Option<(PageId, usize)>> = HashMap::new();
        for (number, sent) in self.record.sent.iter().enumerate() {
            let is_given_up = self.record.is_of_several && sent.answer != Answer::Stored;
            let who = (!is_given_up).then_some((sent.page, number));
            by_text.entry(&sent.text).and_modify(|who| *who = None).or_insert(who);
        }
        for truth in &self.record.generations {
            let mut newest: HashMap<PageId, usize> = HashMap::new();
            for (_, text) in typed(truth) {
                let Some(Some((page, number))) = by_text.get(text).copied() else { continue };
                if self.record.pages.get(page.0).is_none_or(|page| page.bare) {
                    continue;
                }
                let before = newest.insert(page, number);
                if before.is_some_and(|before| before > number) {
                    self.object(
                        Invariant::SenderOrder,
                        format!("{text:?} stands after what was typed later"),
                    );
                }
            }
        }
    }

    /// Checks I3, I4, I6, I7 and I8 for one page.
    fn check_page(&mut self, id: PageId, page: &Page) {
        if page.bare && self.record.generations.len() > 1 {
            return;
        }
        let is_bare = page.bare;
        let mut reader = Reader { last: 0, generation: None, resync: Resync::Refused, is_bare };
        for sight in &page.sights {
            match sight {
                Sight::Joined { recovered, returning } => {
                    reader.resync = if *recovered { Resync::Refused } else { Resync::Possible };
                    if *recovered && !returning {
                        self.object(Invariant::RecoveredWithoutGap, format!("{id:?} recovered from nothing"));
                    }
                    let had_to = *returning
                        && !*recovered
                        && self.recoveries == Recoveries::Always
                        && self.record.generations.len() == 1;
                    if had_to {
                        self.object(Invariant::RecoveredWithoutGap, format!("{id:?} came back unrecovered"));
                    }
                }
                Sight::Line { epoch, position, seq, text } => {
                    self.check_line(id, &mut reader, (*epoch, *position, *seq), text);
                }
            }
        }
        if !page.closed {
            self.check_end(id, &reader);
        }
    }

    fn check_line(&mut self, id: PageId, reader: &mut Reader, at: (u64, Option<u64>, u64), text: &str) {
        let (epoch, position, seq) = at;
        let Some(generation) = self.record.epochs.get(&epoch).copied() else {
            return self.object(Invariant::OneOrder, format!("{id:?} was shown an unknown epoch {epoch}"));
        };
        let lobby = self.lobby(generation);
        let stands_at = lobby.get(place(seq)).map(|(position, _)| *position);
        let last = reader.last;
        let goes_on = is_next(lobby, last, seq);
        let starts_anew = is_next(lobby, 0, seq)
            && reader.resync == Resync::Possible
            && reader.generation < Some(generation);
        if let (Some(position), Some(there)) = (position, stands_at)
            && position != there
        {
            self.object(Invariant::OneOrder, format!("{id:?}: number {seq} at position {position}"));
        }
        // A number without an epoch may be ahead of a node, or of a past that is gone: it is waited for, but not for ever.
        let is_repeat = self.record.is_of_several && reader.is_bare && seq <= last;
        if is_repeat {
            return;
        }
        if !goes_on && !starts_anew {
            let what = if seq > last { "after a gap" } else { "again" };
            self.object(Invariant::Contiguous, format!("{id:?} was shown {seq} {what}, after {last}"));
        }
        if goes_on && !self.still_holds(reader.generation, generation, last) {
            self.object(
                Invariant::RecoveredWithoutGap,
                format!("{id:?} went on at {seq} over a restored backup that did not have {last}"),
            );
        }
        reader.last = seq;
        reader.generation = Some(generation);
        reader.resync = Resync::Refused;
        let stored = self.lobby(generation).get(place(seq)).map(|(_, stored)| *stored);
        match stored {
            Some(stored) if stored.versions.iter().any(|version| version.text == text) => {}
            Some(Stored { versions, .. }) => self.object(
                Invariant::OneOrder,
                format!("{id:?} saw {text:?} at {seq}, where {versions:?} stands"),
            ),
            None => {
                self.object(Invariant::NothingVanishes, format!("{id:?} saw {text:?} at {seq}; it is gone"));
            }
        }
    }

    fn check_end(&mut self, id: PageId, reader: &Reader) {
        let Some(latest) = self.record.generations.len().checked_sub(1).map(Generation) else { return };
        let lobby = self.lobby(latest);
        let head = lobby.len() as u64;
        if reader.last > head || !is_next(lobby, reader.last, head + 1) {
            self.object(Invariant::NewcomersSeeAll, format!("{id:?} ends at {} of {head}", reader.last));
        } else if !self.still_holds(reader.generation, latest, reader.last) {
            self.object(
                Invariant::RecoveredWithoutGap,
                format!("{id:?} believes in what a restored backup did not have"),
            );
        }
    }

    /// Whether everything up to `seq` in one generation is unchanged in a later one.
    fn still_holds(&self, seen: Option<Generation>, now: Generation, seq: u64) -> bool {
        let Some(seen) = seen else { return true };
        let between = self.record.generations.get(seen.0..now.0).unwrap_or_default();
        let last_kept = |(generation, truth): (usize, &Truth)| {
            let lobby = self.lobby(Generation(seen.0 + generation));
            lobby.partition_point(|(position, _)| *position <= truth.kept) as u64
        };
        between.iter().enumerate().all(|kept| seq <= last_kept(kept))
    }

    /// The messages of the lobby in one generation.
    fn lobby(&self, generation: Generation) -> &[(u64, &Stored)] {
        self.lobbies.get(generation.0).map_or(&[], Vec::as_slice)
    }
}

/// Texts that clients of the tutorial typed.
fn typed(truth: &Truth) -> impl Iterator<Item = (u64, &str)> {
    let typed = truth.lobby().into_iter().filter(|(_, entry)| entry.sender.is_none());
    typed.filter_map(|(position, entry)| Some((position, entry.versions.first()?.text.as_str())))
}

/// Whether no readable message is between two numbers.
fn is_next(lobby: &[(u64, &Stored)], last: u64, seq: u64) -> bool {
    let (after, before) = (place(last + 1), place(seq));
    seq > last
        && lobby.get(after..before).is_some_and(|skipped| skipped.iter().all(|(_, entry)| entry.is_deleted()))
}

/// The state of one page while its history is replayed.
struct Reader {
    last: u64,
    generation: Option<Generation>,
    resync: Resync,
    is_bare: bool,
}

/// Whether the next line may be the first line of the log again.
#[derive(PartialEq, Eq)]
enum Resync {
    Possible,
    Refused,
}

fn place(seq: u64) -> usize {
    usize::try_from(seq).unwrap_or(usize::MAX).wrapping_sub(1)
}
