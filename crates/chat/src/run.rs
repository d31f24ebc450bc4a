//! [`Run`]: consecutive numbers of a device that were used up without an entry, kept together.
//!
//! Somebody whose commands are all refused would otherwise fill the log with rows as large as messages. A run keeps a few
//! bytes of each number: the result, and enough of the content to tell a repeat from another command. It is bounded, so
//! that growing it and reading it cost the same however many numbers a device has used up.

use crate::device::Device;
use crate::hash::{ContentHash, ContentTag};
use crate::ids::{CommandNumber, RoomId};
use crate::outcome::Refusal;
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::spent::{Answered, KeptContent, Spent, SpentOn};

/// Numbers of one device, each with its result, without a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first number, of whose content all of the hash is kept.
    first: Spent,
    more: Vec<Kept>,
    /// What `more` takes.
    bytes: usize,
}

/// What is kept of a number that continues a run.
///
/// Of what is acknowledged all of the hash is kept, because a wrong match would swallow somebody's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The command was cancelled. All cancelled commands have the same content.
    Skip,
    /// The command will never be carried out.
    Refusal {
        /// Why not.
        why: Refusal,
        /// What tells a repeat of the command.
        content: ContentTag,
    },
    /// There was nothing to do.
    Nothing {
        /// The room that the command was about.
        room: RoomId,
        /// What tells a repeat of the command.
        content: ContentHash,
    },
}

impl Run {
    /// A run with so many numbers ends, and the next number begins another one.
    pub const NUMBERS_MAX: usize = 100;

    /// So does a run whose numbers after the first one take so many bytes: see [`Kept::bytes`].
    pub const BYTES_MAX: usize = 500;

    /// A run of one number.
    pub fn of(first: Spent) -> Self {
        Self { first, more: Vec::new(), bytes: 0 }
    }

    /// Whose numbers these are.
    pub fn device(&self) -> Device {
        self.first.device
    }

    /// Its first number.
    pub fn first(&self) -> CommandNumber {
        self.first.n
    }

    /// Its last number.
    pub fn last(&self) -> CommandNumber {
        let too_far = planted::is(Bug::RunsTooFar) && !self.more.is_empty();
        CommandNumber(self.first.n.0 + self.more.len() as u64 + u64::from(too_far))
    }

    /// How many numbers it has.
    pub fn numbers(&self) -> usize {
        1 + self.more.len()
    }

    /// Whether this number continues it, and there is room for its result.
    pub fn takes(&self, next: &Spent) -> bool {
        self.first.device == next.device
            && self.last().next() == next.n
            && self.numbers() < Self::NUMBERS_MAX
            && self.bytes + Kept::of(next).bytes() <= Self::BYTES_MAX
    }

    /// Adds the result of the number after its last one.
    pub fn add(&mut self, result: Kept) {
        self.bytes += result.bytes();
        self.more.push(result);
    }

    /// What became of a number, if the run has it.
    pub fn answered(&self, n: CommandNumber) -> Option<Answered> {
        let index = usize::try_from(n.0.checked_sub(self.first.n.0)?).ok()?;
        let Some(index) = index.checked_sub(1) else {
            let content = KeptContent::Hash(self.first.content);
            return Some(Answered { content, outcome: self.first.on.outcome() });
        };
        let kept = self.more.get(index)?;
        rare::reached(Rare::AnsweredByRun);
        Some(kept.answered())
    }

    /// Keeps so many numbers from its beginning, one at least.
    pub(crate) fn shorten(&mut self, numbers: usize) {
        self.more.truncate(numbers.saturating_sub(1));
        self.bytes = self.more.iter().map(Kept::bytes).sum();
    }
}

impl Kept {
    /// What is kept of a command.
    pub fn of(spent: &Spent) -> Self {
        match spent.on {
            SpentOn::Skip => Self::Skip,
            SpentOn::Refusal(why) => Self::Refusal { why, content: spent.content.tag() },
            SpentOn::Nothing { room } => Self::Nothing { room, content: spent.content },
        }
    }

    /// How many bytes a backend needs for it: one for the kind of result, and those of the room and of the content.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Skip => 1,
            Self::Refusal { .. } => 1 + size_of::<ContentTag>(),
            Self::Nothing { .. } => 1 + size_of::<RoomId>() + size_of::<ContentHash>(),
        }
    }

    fn answered(&self) -> Answered {
        let (content, on) = match *self {
            Self::Skip => (KeptContent::Hash(ContentHash::NOTHING), SpentOn::Skip),
            Self::Refusal { why, content } => (KeptContent::Tag(content), SpentOn::Refusal(why)),
            Self::Nothing { room, content } => (KeptContent::Hash(content), SpentOn::Nothing { room }),
        };
        Answered { content, outcome: on.outcome() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::ADAS;
    use crate::entry::UnixMillis;
    use crate::outcome::Outcome;

    fn spent(n: u64, on: SpentOn) -> Spent {
        let content = match on {
            SpentOn::Skip => ContentHash::NOTHING,
            SpentOn::Refusal(_) | SpentOn::Nothing { .. } => ContentHash::of_raw(&n.to_be_bytes()),
        };
        Spent { device: ADAS, n: CommandNumber(n), content, on, at: UnixMillis(0) }
    }

    /// A run that begins with the number 7 and takes whatever it can, all of one kind.
    fn full(on: SpentOn) -> Run {
        let mut run = Run::of(spent(7, on));
        for n in 8.. {
            let next = spent(n, on);
            if !run.takes(&next) {
                return run;
            }
            run.add(Kept::of(&next));
        }
        unreachable!("a run is bounded")
    }

    #[test]
    fn a_run_tells_what_became_of_each_number_and_of_no_other() {
        for on in [SpentOn::Skip, SpentOn::Refusal(Refusal::Empty), SpentOn::Nothing { room: RoomId(3) }] {
            let run = full(on);
            assert_eq!(run.last().0 - run.first().0 + 1, run.numbers() as u64);
            for n in run.first().0..=run.last().0 {
                let answered = run.answered(CommandNumber(n)).expect("it has that number");
                assert_eq!(answered.outcome, on.outcome());
                assert!(answered.content.is_of(spent(n, on).content));
                assert!(on == SpentOn::Skip || !answered.content.is_of(ContentHash::of_raw(b"else")));
            }
            assert_eq!(
                [run.first().0 - 1, run.last().0 + 1].map(|n| run.answered(CommandNumber(n))),
                [None; 2]
            );
        }
    }

    #[test]
    fn a_run_ends_at_its_bounds() {
        let numbers = |on| full(on).numbers();
        assert_eq!(numbers(SpentOn::Skip), 100);
        assert_eq!(numbers(SpentOn::Refusal(Refusal::Empty)), 100);
        assert_eq!(numbers(SpentOn::Nothing { room: RoomId(3) }), 21);
    }

    #[test]
    fn only_the_next_number_of_the_same_device_continues_a_run() {
        let on = SpentOn::Refusal(Refusal::Empty);
        let run = Run::of(spent(7, on));
        let other = Spent { device: crate::conformance::BOBS, ..spent(8, on) };
        let takes =
            [spent(6, on), spent(7, on), spent(8, on), spent(9, on), other].map(|next| run.takes(&next));
        assert_eq!(takes, [false, false, true, false, false]);
    }

    #[test]
    fn a_shortened_run_grows_again() {
        let on = SpentOn::Refusal(Refusal::Empty);
        let mut run = full(on);
        run.shorten(2);
        assert_eq!((run.last(), run.numbers()), (CommandNumber(8), 2));
        run.add(Kept::of(&spent(9, SpentOn::Skip)));
        assert_eq!(run.answered(CommandNumber(9)).map(|answered| answered.outcome), Some(Outcome::Skipped));
    }
}
