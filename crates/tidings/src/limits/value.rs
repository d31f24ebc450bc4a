//! [`Field`]: what a limit can be set to, and how a text is read as that.
//!
//! Whatever can be read makes sense for its limit: what has no effect, what leaves the chat of no use, and what would
//! overflow is refused here, with what is accepted instead.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::allowance::Rate;
use crate::disk::Watermark;
use crate::quotas::Quota;
use crate::v1::guesses::GuessRate;

/// More than anybody needs, and little enough to be added up.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// Faster things are not told from no limit at all: a single one takes less than a microsecond.
const PER_SECOND_MAX: u32 = 1_000_000;

/// The same for bytes, of which there are always many.
const BYTES_PER_SECOND_MAX: u32 = 1_000_000_000;

/// With less, somebody who has used up a burst waits for minutes for one page of the past.
const BYTES_PER_SECOND_MIN: u32 = 1_000;

/// With less, the longest text could never be stored.
const BYTES_STORED_MIN: u32 = 20_000;

/// A field of the settings, and what it may be.
pub(super) enum Field<'a> {
    Count(&'a mut usize, RangeInclusive<u64>),
    LongCount(&'a mut u64, RangeInclusive<u64>),
    /// A rate with what it may be in a second.
    Rate(&'a mut Rate, RangeInclusive<u32>),
    Guesses(&'a mut GuessRate),
    /// A quota with the least that it may be at once.
    Quota(&'a mut Quota, u32),
    Watermark(&'a mut Watermark),
}

impl<'a> Field<'a> {
    /// A number from 1 on.
    pub(super) fn count(at: &'a mut usize) -> Self {
        Self::Count(at, 1..=COUNT_MAX)
    }

    /// A number from 1 to `max`.
    pub(super) fn count_to(at: &'a mut usize, max: usize) -> Self {
        Self::Count(at, 1..=max as u64)
    }

    /// A number from `min` on.
    pub(super) fn count_from(at: &'a mut usize, min: u64) -> Self {
        Self::Count(at, min..=COUNT_MAX)
    }

    /// A rate of things that come one by one.
    pub(super) fn rate(at: &'a mut Rate) -> Self {
        Self::Rate(at, 1..=PER_SECOND_MAX)
    }

    /// A rate of bytes.
    pub(super) fn byte_rate(at: &'a mut Rate) -> Self {
        Self::Rate(at, BYTES_PER_SECOND_MIN..=BYTES_PER_SECOND_MAX)
    }

    /// A quota of things that come one by one.
    pub(super) fn quota(at: &'a mut Quota) -> Self {
        Self::Quota(at, 1)
    }

    /// A quota of bytes that are stored.
    pub(super) fn byte_quota(at: &'a mut Quota) -> Self {
        Self::Quota(at, BYTES_STORED_MIN)
    }

    /// What it is now.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Count(count, _) => Value::Count(**count as u64),
            Self::LongCount(count, _) => Value::Count(**count),
            Self::Rate(rate, _) => Value::Rate(**rate),
            Self::Guesses(rate) => Value::Guesses(**rate),
            Self::Quota(quota, _) => Value::Quota(**quota),
            Self::Watermark(watermark) => Value::Watermark(**watermark),
        }
    }

    /// Reads a value for it. The error is what it accepts.
    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Count(_, accepts) | Self::LongCount(_, accepts) => count(text, accepts).map(Value::Count),
            Self::Rate(_, accepts) => rate(text, accepts).map(Value::Rate),
            Self::Guesses(_) => guesses(text).map(Value::Guesses),
            Self::Quota(_, min) => quota(text, *min).map(Value::Quota),
            Self::Watermark(_) => watermark(text).map(Value::Watermark),
        }
    }

    /// Gives it a value that was read for it.
    pub(super) fn set(self, value: Value) {
        match (self, value) {
            (Self::Count(field, _), Value::Count(count)) => {
                *field = usize::try_from(count).unwrap_or(usize::MAX);
            }
            (Self::LongCount(field, _), Value::Count(count)) => *field = count,
            (Self::Rate(field, _), Value::Rate(rate)) => *field = rate,
            (Self::Guesses(field), Value::Guesses(rate)) => *field = rate,
            (Self::Quota(field, _), Value::Quota(quota)) => *field = quota,
            (Self::Watermark(field), Value::Watermark(watermark)) => *field = watermark,
            (
                _,
                Value::Count(_) | Value::Rate(_) | Value::Guesses(_) | Value::Quota(_) | Value::Watermark(_),
            ) => {
                unreachable!("a change has the kind of value that its limit has")
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Count(u64),
    Rate(Rate),
    Guesses(GuessRate),
    Quota(Quota),
    Watermark(Watermark),
}

fn count(text: &str, accepts: &RangeInclusive<u64>) -> Result<u64, String> {
    let count = text.parse::<u64>().ok().filter(|count| accepts.contains(count));
    let (min, max) = (accepts.start(), accepts.end());
    count.ok_or_else(|| format!("a whole number from {min} to {max}"))
}

/// Two whole numbers from something to something.
fn pair(text: &str, accepts: &RangeInclusive<u32>) -> Option<(u32, u32)> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| accepts.contains(number));
    let (first, second) = text.split_once('/')?;
    Some((number(first)?, number(second)?))
}

fn rate(text: &str, accepts: &RangeInclusive<u32>) -> Result<Rate, String> {
    let (min, max) = (accepts.start(), accepts.end());
    if text == "0" {
        return Ok(Rate::OFF);
    }
    let (per_second, burst) = pair(text, accepts).ok_or_else(|| {
        let what = "RATE/BURST, such as 5/30 for 5 a second and 30 at once";
        format!("{what}, each from {min} to {max}, or 0 to switch the limit off")
    })?;
    Ok(Rate { per_second, burst })
}

fn guesses(text: &str) -> Result<GuessRate, String> {
    const MAX: u32 = 86_400;
    if text == "0" {
        return Ok(GuessRate { burst: 0, interval: Duration::ZERO });
    }
    let (burst, seconds) = pair(text, &(1..=MAX)).ok_or_else(|| {
        let what = "so many at once and the seconds until one more, such as 5/12";
        format!("{what}, each from 1 to {MAX}, or 0 to switch the limit off")
    })?;
    Ok(GuessRate { burst, interval: Duration::from_secs(u64::from(seconds)) })
}

fn quota(text: &str, min: u32) -> Result<Quota, String> {
    if text == "0" {
        return Ok(Quota::OFF);
    }
    let read = || {
        let mut parts = text.split('/');
        let number = |part: &str| part.parse::<u32>().ok().filter(|number| *number >= min);
        let count = number(parts.next()?)?;
        let quota = match parts.next()? {
            "hour" => Quota::an_hour(count),
            "day" => Quota::a_day(count),
            _ => return None,
        };
        match (parts.next(), parts.next()) {
            (None, _) => Some(quota),
            (Some(burst), None) => Some(quota.at_once(number(burst).filter(|burst| *burst <= count)?)),
            (Some(_), Some(_)) => None,
        }
    };
    read().ok_or_else(|| {
        let what = "so many in an hour or a day, and perhaps fewer at once, such as 20/day or 60/hour/30";
        format!("{what}, from {min} to {}, or 0 to switch the limit off", u32::MAX)
    })
}

fn watermark(text: &str) -> Result<Watermark, String> {
    /// With more, an ordinary disk is full from the start.
    const PERCENT_MAX: u32 = 50;
    if text == "0" {
        return Ok(Watermark::OFF);
    }
    let numbers: Result<Vec<u32>, _> = text.split('/').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[percent @ 1..=PERCENT_MAX, mebibytes_min, mebibytes_max])
            if mebibytes_min.max(1) <= mebibytes_max =>
        {
            Ok(Watermark { percent, mebibytes_min, mebibytes_max })
        }
        _ => Err(format!(
            "percent of the disk from 1 to {PERCENT_MAX}, and at least and at most so many MiB, such as 5/256/4096, or 0 to \
             switch the limit off"
        )),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Rate(Rate { per_second: 0, .. }) | Self::Guesses(GuessRate { burst: 0, .. }) => {
                f.write_str("0")
            }
            Self::Rate(Rate { per_second, burst }) => write!(f, "{per_second}/{burst}"),
            Self::Watermark(Watermark { percent: 0, .. }) => f.write_str("0"),
            Self::Watermark(Watermark { percent, mebibytes_min, mebibytes_max }) => {
                write!(f, "{percent}/{mebibytes_min}/{mebibytes_max}")
            }
            Self::Guesses(GuessRate { burst, interval }) => write!(f, "{burst}/{}", interval.as_secs()),
            Self::Quota(quota) => quota.fmt(f),
        }
    }
}
