//! One-time links that bring a person's identity to another device.
//!
//! Kept in memory and nowhere else: a link that was on its way when the server ended is asked for again. Bounded per
//! person and in all; at a bound the oldest link goes. Has no clock and draws nothing: both are arguments.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use chat::UserId;

use super::code::Code;

/// For how long a link works.
pub const LINK_LIFE: Duration = Duration::from_mins(15);

/// So many links of one person work at once.
const PER_USER_MAX: usize = 4;

/// So many links are kept in all.
const LINKS_MAX: usize = 10_000;

/// The links that have been given out and not used.
#[derive(Debug, Default)]
pub struct Links {
    open: HashMap<Code, Link>,
    /// Oldest first; what has been used is still in it, until it comes to the front.
    order: VecDeque<Code>,
    by_user: HashMap<UserId, VecDeque<Code>>,
}

#[derive(Debug)]
struct Link {
    user: UserId,
    until: Instant,
}

impl Links {
    /// Lets the bearer of `code`, which has been drawn at random, become `user` once.
    pub fn open(&mut self, user: UserId, code: Code, now: Instant) {
        self.forget_old(now);
        let own = self.by_user.entry(user).or_default();
        own.push_back(code);
        let oldest = if own.len() > PER_USER_MAX { own.pop_front() } else { None };
        if let Some(oldest) = oldest {
            self.open.remove(&oldest);
        }
        self.open.insert(code, Link { user, until: now + LINK_LIFE });
        self.order.push_back(code);
    }

    /// Whose link it is, without using it up.
    pub fn owner(&self, code: &Code, now: Instant) -> Option<UserId> {
        self.open.get(code).filter(|link| now < link.until).map(|link| link.user)
    }

    /// Uses a link up: whose it was, if it was one that still works.
    pub fn redeem(&mut self, code: &Code, now: Instant) -> Option<UserId> {
        let link = self.remove(code)?;
        (now < link.until).then_some(link.user)
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(front) = self.order.front().copied() {
            let stays = self.open.get(&front).is_some_and(|link| now < link.until);
            if stays && self.order.len() < LINKS_MAX {
                break;
            }
            self.order.pop_front();
            self.remove(&front);
        }
    }

    fn remove(&mut self, code: &Code) -> Option<Link> {
        let link = self.open.remove(code)?;
        if let Some(own) = self.by_user.get_mut(&link.user) {
            own.retain(|known| known != code);
            if own.is_empty() {
                self.by_user.remove(&link.user);
            }
        }
        Some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn code(number: u64) -> Code {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Code::from_bytes(bytes)
    }

    #[test]
    fn a_link_works_once() {
        let (mut links, now) = (Links::default(), Instant::now());
        links.open(ADA, code(1), now);
        assert_eq!(links.redeem(&code(2), now), None);
        assert_eq!(links.redeem(&code(1), now), Some(ADA));
        assert_eq!(links.redeem(&code(1), now), None);
    }

    #[test]
    fn asking_whose_link_it_is_does_not_use_it_up() {
        let (mut links, now) = (Links::default(), Instant::now());
        links.open(ADA, code(1), now);
        assert_eq!(links.owner(&code(1), now), Some(ADA));
        assert_eq!(links.owner(&code(2), now), None);
        assert_eq!(links.owner(&code(1), now + LINK_LIFE), None);
        assert_eq!(links.redeem(&code(1), now), Some(ADA));
        assert_eq!(links.owner(&code(1), now), None);
    }

    #[test]
    fn a_link_works_for_fifteen_minutes() {
        let (mut links, now) = (Links::default(), Instant::now());
        links.open(ADA, code(1), now);
        links.open(ADA, code(2), now);
        let last = now + LINK_LIFE.saturating_sub(Duration::from_millis(1));
        assert_eq!(links.redeem(&code(1), last), Some(ADA));
        assert_eq!(links.redeem(&code(2), now + LINK_LIFE), None);
    }

    #[test]
    fn one_persons_links_push_out_their_own_and_nobody_elses() {
        let (mut links, now) = (Links::default(), Instant::now());
        links.open(BOB, code(0), now);
        for number in 1..=5 {
            links.open(ADA, code(number), now);
        }
        assert_eq!(links.redeem(&code(1), now), None);
        assert_eq!(links.redeem(&code(2), now), Some(ADA));
        assert_eq!(links.redeem(&code(0), now), Some(BOB));
    }

    #[test]
    fn what_is_kept_is_bounded_and_goes_with_time() {
        let (mut links, now) = (Links::default(), Instant::now());
        for number in 0..2 * LINKS_MAX as u64 {
            links.open(UserId(number), code(number), now);
        }
        assert!(links.open.len() <= LINKS_MAX && links.by_user.len() <= LINKS_MAX, "{}", links.open.len());
        links.open(ADA, code(99_999), now + LINK_LIFE);
        assert_eq!((links.open.len(), links.order.len(), links.by_user.len()), (1, 1, 1));
    }
}
