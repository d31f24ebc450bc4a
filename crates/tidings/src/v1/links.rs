//! One-time links that bring a person's identity to another device.
//!
//! Links are kept only in memory: after a restart of the server, a person asks for a new one. Only links that still
//! work are kept. A person has at most `PER_USER_MAX` links and gets at most one new link a second; a further request
//! ends their own oldest link, never somebody else's. Only if the whole server has more than `LINKS_MAX` does the
//! person with the most links lose one. Time and randomness are arguments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use chat::UserId;

use super::code::Code;

/// For how long a link works.
pub const LINK_LIFE: Duration = Duration::from_mins(15);

/// A second request within this time gets the same link.
const PACE: Duration = Duration::from_secs(1);

/// So many links of one person work at once.
const PER_USER_MAX: usize = 4;

/// So many links work at once in all.
const LINKS_MAX: usize = 10_000;

/// A link's place among all that were ever given out.
type Serial = u64;

/// The links that have been given out and still work.
#[derive(Debug, Default)]
pub struct Links {
    open: HashMap<Code, Link>,
    /// All open links, oldest first.
    order: BTreeMap<Serial, Code>,
    /// The links of each person who has any, oldest first.
    by_user: HashMap<UserId, VecDeque<Serial>>,
    /// The same people: who has most comes last, and among equals the one with the oldest link.
    holders: BTreeSet<(usize, Reverse<Serial>, UserId)>,
    last: Serial,
}

#[derive(Debug)]
struct Link {
    user: UserId,
    serial: Serial,
    since: Instant,
}

/// What somebody is given who asks for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuedLink {
    /// Lets its bearer become that person, once.
    pub code: Code,
    /// For how long it still works.
    pub life: Duration,
}

impl Links {
    /// Opens a link for `user` under `code`, which has been drawn at random; or finds the one they have just got.
    pub fn open(&mut self, user: UserId, code: Code, now: Instant) -> IssuedLink {
        self.forget_old(now);
        if let Some(recent) = self.recent(user, now) {
            return recent;
        }
        self.last += 1;
        self.open.insert(code, Link { user, serial: self.last, since: now });
        self.order.insert(self.last, code);
        let serial = self.last;
        self.change(user, |own| own.push_back(serial));
        if self.by_user.get(&user).is_some_and(|own| own.len() > PER_USER_MAX) {
            self.drop_oldest_of(user);
        }
        if self.open.len() > LINKS_MAX
            && let Some((_, _, holder)) = self.holders.last().copied()
        {
            self.drop_oldest_of(holder);
        }
        IssuedLink { code, life: LINK_LIFE }
    }

    /// The owner of a link, without using it up.
    pub fn owner(&self, code: &Code, now: Instant) -> Option<UserId> {
        self.open.get(code).filter(|link| link.is_alive(now)).map(|link| link.user)
    }

    /// Uses a link up: whose it was, if it was one that still works.
    pub fn redeem(&mut self, code: &Code, now: Instant) -> Option<UserId> {
        let link = self.remove(code)?;
        link.is_alive(now).then_some(link.user)
    }

    fn recent(&self, user: UserId, now: Instant) -> Option<IssuedLink> {
        let newest = self.by_user.get(&user)?.back()?;
        let code = *self.order.get(newest)?;
        let age = now.saturating_duration_since(self.open.get(&code)?.since);
        (age < PACE).then(|| IssuedLink { code, life: LINK_LIFE.saturating_sub(age) })
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((_, code)) = self.order.first_key_value() {
            let code = *code;
            if self.open.get(&code).is_some_and(|link| link.is_alive(now)) {
                break;
            }
            self.remove(&code);
        }
    }

    fn drop_oldest_of(&mut self, user: UserId) {
        let oldest = self.by_user.get(&user).and_then(|own| own.front());
        if let Some(code) = oldest.and_then(|serial| self.order.get(serial)).copied() {
            self.remove(&code);
        }
    }

    fn remove(&mut self, code: &Code) -> Option<Link> {
        let link = self.open.remove(code)?;
        self.order.remove(&link.serial);
        self.change(link.user, |own| own.retain(|serial| *serial != link.serial));
        Some(link)
    }

    /// Changes the links of one person, and their place among the holders with them.
    fn change(&mut self, user: UserId, change: impl FnOnce(&mut VecDeque<Serial>)) {
        let own = self.by_user.entry(user).or_default();
        let rank = |own: &VecDeque<Serial>| own.front().map(|oldest| (own.len(), Reverse(*oldest), user));
        let before = rank(own);
        change(own);
        let after = rank(own);
        if own.is_empty() {
            self.by_user.remove(&user);
        }
        before.map(|rank| self.holders.remove(&rank));
        self.holders.extend(after);
    }
}

impl Link {
    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < LINK_LIFE
    }
}

#[cfg(test)]
mod tests;
