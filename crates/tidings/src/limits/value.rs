//! [`Value`]: what a limit may be, as `--limit` takes it and the table shows it.

use std::fmt;
use std::time::Duration;

use super::ChangeError;
use crate::allowance::Rate;
use crate::disk::Watermark;
use crate::quotas::Quota;
use crate::v1::guesses::GuessRate;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Count(u64),
    Rate(Rate),
    Guesses(GuessRate),
    Quota(Quota),
    Watermark(Watermark),
}

impl Value {
    /// Another value of the same kind.
    pub(super) fn parse_other(self, text: &str) -> Result<Self, ChangeError> {
        Ok(match self {
            Self::Count(_) => {
                let count = text.parse::<u64>().ok().filter(|count| *count > 0);
                Self::Count(count.ok_or(ChangeError::Value("a whole number from 1 on"))?)
            }
            Self::Rate(_) => Self::Rate(rate(text)?),
            Self::Guesses(_) => Self::Guesses(guesses(text)?),
            Self::Quota(_) => Self::Quota(quota(text)?),
            Self::Watermark(_) => Self::Watermark(watermark(text)?),
        })
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

fn rate(text: &str) -> Result<Rate, ChangeError> {
    const ERROR: ChangeError =
        ChangeError::Value("so many a second and at once, such as 5/30, or 0 to switch the limit off");
    if text == "0" {
        return Ok(Rate::OFF);
    }
    let (per_second, burst) = text.split_once('/').ok_or(ERROR)?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0).ok_or(ERROR);
    Ok(Rate { per_second: number(per_second)?, burst: number(burst)? })
}

fn guesses(text: &str) -> Result<GuessRate, ChangeError> {
    const ERROR: ChangeError = ChangeError::Value(
        "so many at once and the seconds until one more, such as 5/12, or 0 to switch the limit off",
    );
    if text == "0" {
        return Ok(GuessRate { burst: 0, interval: Duration::ZERO });
    }
    let (burst, seconds) = text.split_once('/').ok_or(ERROR)?;
    let number =
        |text: &str| text.parse::<u32>().ok().filter(|number| (1..=86_400).contains(number)).ok_or(ERROR);
    Ok(GuessRate { burst: number(burst)?, interval: Duration::from_secs(u64::from(number(seconds)?)) })
}

fn quota(text: &str) -> Result<Quota, ChangeError> {
    const ERROR: ChangeError = ChangeError::Value(
        "so many in an hour or a day, and perhaps fewer at once, such as 20/day or 60/hour/30, or 0 to switch the limit off",
    );
    if text == "0" {
        return Ok(Quota::OFF);
    }
    let mut parts = text.split('/');
    let number = |part: Option<&str>| {
        part.and_then(|part| part.parse::<u32>().ok()).filter(|number| *number > 0).ok_or(ERROR)
    };
    let count = number(parts.next())?;
    let quota = match parts.next() {
        Some("hour") => Quota::an_hour(count),
        Some("day") => Quota::a_day(count),
        Some(_) | None => return Err(ERROR),
    };
    match (parts.next(), parts.next()) {
        (None, _) => Ok(quota),
        (burst, None) => Ok(quota.at_once(number(burst).ok().filter(|burst| *burst <= count).ok_or(ERROR)?)),
        (Some(_), Some(_)) => Err(ERROR),
    }
}

fn watermark(text: &str) -> Result<Watermark, ChangeError> {
    const ERROR: ChangeError = ChangeError::Value(
        "percent of the disk, and at least and at most so many MiB, such as 5/256/4096, or 0 to switch the limit off",
    );
    if text == "0" {
        return Ok(Watermark::OFF);
    }
    let numbers: Result<Vec<u32>, _> = text.split('/').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[percent @ 1..=100, mebibytes_min, mebibytes_max]) if mebibytes_min <= mebibytes_max => {
            Ok(Watermark { percent, mebibytes_min, mebibytes_max })
        }
        _ => Err(ERROR),
    }
}
