//! [`Turns`]: the order in which some have their turns, where newcomers come first.
//!
//! Whoever asks rarely is always a newcomer, and waits for no round of those who always ask (Høiland-Jørgensen et al., RFC
//! 8290, calls them sparse flows). A newcomer has one turn before the others, and then stays at the end of their line until
//! it is reached, also with nothing to do: who comes back before that is no newcomer. After a few newcomers the line goes
//! on, so that many of them do not stop it.

use std::collections::VecDeque;

/// So many newcomers have their turns between two turns of the others.
const NEWCOMERS_MAX: u32 = 4;

/// Those who wait for a turn. Nobody is in it twice.
#[derive(Debug)]
pub(super) struct Turns<T> {
    newcomers: VecDeque<T>,
    line: VecDeque<T>,
    /// How many newcomers have come before the line since it had a turn.
    before_line: u32,
    /// Whether the first in line has had something to do in this turn.
    has_used_turn: bool,
}

/// Who has the next turn, and how they have come to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    Newcomer(T),
    InLine(T),
}

impl<T: Copy> Next<T> {
    pub(super) fn who(self) -> T {
        let (Self::Newcomer(who) | Self::InLine(who)) = self;
        who
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { newcomers: VecDeque::new(), line: VecDeque::new(), before_line: 0, has_used_turn: false }
    }
}

impl<T: Copy> Turns<T> {
    /// Adds somebody who has had no turn for so long that nobody remembers it.
    pub(super) fn welcome(&mut self, who: T) {
        self.newcomers.push_back(who);
    }

    /// Adds somebody at the end of the line.
    pub(super) fn queue(&mut self, who: T) {
        self.line.push_back(who);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.newcomers.is_empty() && self.line.is_empty()
    }

    pub(super) fn next(&self) -> Option<Next<T>> {
        let in_line = self.line.front().copied().map(Next::InLine);
        let newcomer = self.newcomers.front().copied().map(Next::Newcomer);
        if self.before_line < NEWCOMERS_MAX { newcomer.or(in_line) } else { in_line.or(newcomer) }
    }

    /// The same among newcomers alone.
    pub(super) fn next_newcomer(&self) -> Option<Next<T>> {
        self.newcomers.front().copied().map(Next::Newcomer)
    }

    /// Something was done in this turn.
    pub(super) fn use_turn(&mut self, turn: Next<T>) {
        self.has_used_turn |= matches!(turn, Next::InLine(_));
    }

    /// The turn is over: the next one is at the end of the line.
    pub(super) fn end(&mut self, turn: Next<T>) {
        match turn {
            Next::Newcomer(who) => {
                self.newcomers.pop_front();
                self.before_line = self.before_line.saturating_add(1);
                self.line.push_back(who);
            }
            Next::InLine(_) => {
                self.line.rotate_left(1);
                self.end_in_line();
            }
        }
    }

    /// Removes the first in line, who has nothing more to do.
    pub(super) fn remove_first_in_line(&mut self) {
        self.line.pop_front();
        self.end_in_line();
    }

    /// Whoever had nothing to do has had no turn.
    fn end_in_line(&mut self) {
        if std::mem::take(&mut self.has_used_turn) {
            self.before_line = 0;
        }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.newcomers.iter().chain(&self.line)
    }
}
