//! A switch is on only for the thread that switched it on.

#![cfg(feature = "planted")]

mod bugs {
    planted::planted! {
        /// Two mistakes.
        pub enum Bug {
            /// The one.
            First,
            /// The other.
            Second,
        }
    }
}

use bugs::{Bug, is, plant};

#[test]
fn a_planted_bug_is_on_for_its_own_thread_until_another_is_planted() {
    assert!(!is(Bug::First));
    plant(Some(Bug::First));
    assert!(is(Bug::First) && !is(Bug::Second));
    std::thread::scope(|scope| scope.spawn(|| assert!(!is(Bug::First))).join()).unwrap();
    plant(Some(Bug::Second));
    assert!(!is(Bug::First) && is(Bug::Second));
    plant(None);
    assert!(!Bug::ALL.iter().copied().any(is));
}
