//! [`Expiry`]: says in time that the certificate in use should be renewed, and says each thing once.

use super::certificate::Validity;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Nobody needs to be told earlier than so many days before.
const WARNING_DAYS: i64 = 7;

/// A certificate for a short time is renewed in the last part of it.
const WARNING_PART: i64 = 10;

#[derive(Debug, Default)]
pub(super) struct Expiry {
    told: Option<(Validity, Stage)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Soon,
    Over,
}

impl Expiry {
    /// What is to be said now about a certificate.
    pub(super) fn news(&mut self, validity: Validity, now: i64) -> Option<Stage> {
        let stage = stage(validity, now)?;
        let news = Some((validity, stage));
        (std::mem::replace(&mut self.told, news) != news).then_some(stage)
    }
}

fn stage(Validity { not_before, not_after }: Validity, now: i64) -> Option<Stage> {
    let early = ((not_after - not_before) / WARNING_PART).min(WARNING_DAYS * DAY_SECONDS);
    if now > not_after {
        Some(Stage::Over)
    } else if now > not_after - early {
        Some(Stage::Soon)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: i64, until: i64) -> Validity {
        Validity { not_before: from * DAY_SECONDS, not_after: until * DAY_SECONDS }
    }

    #[test]
    fn each_certificate_is_reported_once_before_its_end_and_once_after_it() {
        let mut expiry = Expiry::default();
        let mut news = |validity, day: i64| expiry.news(validity, day * DAY_SECONDS + 1);
        let year = days(0, 365);
        assert_eq!([0, 300, 357].map(|day| news(year, day)), [None; 3]);
        assert_eq!([358, 359].map(|day| news(year, day)), [Some(Stage::Soon), None]);
        assert_eq!([365, 366].map(|day| news(year, day)), [Some(Stage::Over), None]);
        assert_eq!(news(days(366, 731), 366), None, "it was renewed");
        assert_eq!(news(days(366, 731), 731), Some(Stage::Over));
    }

    #[test]
    fn a_certificate_for_a_short_time_is_not_old_from_the_start() {
        let mut expiry = Expiry::default();
        assert_eq!(expiry.news(days(0, 6), 4 * DAY_SECONDS), None);
        assert_eq!(expiry.news(days(0, 6), 6 * DAY_SECONDS - 1), Some(Stage::Soon));
    }
}
