//! The wall clock of the simulated machine. It runs, and now and then somebody sets it.

use std::cell::RefCell;

use chat::UnixMillis;
use tokio::time::Instant;

use crate::random::Random;

const NOON: u64 = 1_800_000_000_000;
const YEAR: u64 = 365 * 24 * 3_600 * 1_000;

struct Clock {
    start: Instant,
    offset: u64,
    per_mille: u64,
    random: Random,
}

thread_local! {
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Starts a new clock. Each read finds it changed with the probability `per_mille`.
pub(crate) fn begin(per_mille: u64, random: Random) {
    CLOCK.set(Some(Clock { start: Instant::now(), offset: NOON, per_mille, random }));
}

/// From now on nobody sets the clock.
pub(crate) fn calm_down() {
    CLOCK.with_borrow_mut(|clock| clock.iter_mut().for_each(|clock| clock.per_mille = 0));
}

/// The time that the clock shows.
pub(crate) fn now() -> UnixMillis {
    CLOCK.with_borrow_mut(|clock| {
        let Some(clock) = clock else { return UnixMillis(NOON) };
        if clock.random.chance(clock.per_mille) {
            // Set to the right time, a little off, years ahead, or years behind.
            let little = clock.random.within(0, 400_000);
            clock.offset = clock.random.pick(&[
                NOON,
                NOON,
                NOON - little,
                NOON + little,
                NOON + 10 * YEAR,
                NOON - 50 * YEAR,
            ]);
        }
        let elapsed = u64::try_from(clock.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        UnixMillis(clock.offset + elapsed)
    })
}
