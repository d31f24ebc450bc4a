//! When a certificate is renewed, and when an order that failed is repeated.

use std::time::Duration;

use super::order::OrderError;
use crate::tls::Now;
use crate::tls::certificate::Validity;

/// An authority that cannot be reached is asked again soon, but not for ever.
const UNREACHABLE: [u64; 2] = [5, 5 * 60];

/// Authorities count orders that fail, and take none for hours when they are many.
const REFUSED: [u64; 2] = [5 * 60, 6 * 60 * 60];

/// The wall clock may be set while we wait, so it is looked at again after so long.
const LOOK_INTERVAL: Duration = Duration::from_mins(1);

/// When two thirds of a lifetime are over.
pub(super) fn renewal(Validity { not_before, not_after }: Validity) -> i64 {
    not_before + (not_after - not_before) / 3 * 2
}

/// Waits for a time of the wall clock.
pub(super) async fn wait_until(time: i64, now: Now) {
    while let Some(left) = u64::try_from(time - now()).ok().filter(|left| *left > 0) {
        tokio::time::sleep(Duration::from_secs(left).min(LOOK_INTERVAL)).await;
    }
}

/// How long to wait after orders that failed one after the other.
#[derive(Debug, Default)]
pub(super) struct Delay {
    failures: u32,
}

impl Delay {
    pub(super) fn after(&mut self, error: &OrderError) -> Duration {
        let [first, most] = match error {
            OrderError::Unreachable(_) | OrderError::Kept(_) => UNREACHABLE,
            OrderError::Refused(_) | OrderError::Answer(_) | OrderError::Unusable(_) => REFUSED,
        };
        let seconds = first.saturating_mul(2_u64.saturating_pow(self.failures)).min(most);
        self.failures += 1;
        Duration::from_secs(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_of_its_lifetime_are_over() {
        assert_eq!(renewal(Validity { not_before: 1_000, not_after: 1_090 }), 1_060);
    }

    #[test]
    fn orders_that_fail_are_repeated_later_and_later_up_to_a_bound() {
        let mut delay = Delay::default();
        let mut after = |error: &OrderError| delay.after(error).as_secs();
        let lost = OrderError::Unreachable(String::new());
        assert_eq!([after(&lost), after(&lost), after(&lost)], [5, 10, 20]);
        let mut delay = Delay::default();
        let refused = OrderError::Refused(String::new());
        let delays: Vec<u64> = (0..9).map(|_| delay.after(&refused).as_secs() / 60).collect();
        assert_eq!(delays, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
    }
}
