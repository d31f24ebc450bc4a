//! Counters and histograms that a server writes while it works, and that a monitor reads as plain numbers.
//!
//! Writing takes one relaxed addition: no lock, no allocation, no clock. Threads that write at the same time do not share
//! cache lines: each has a [`Counters`] of its own, or a share of one that is [`spread`](Counters::spread). Reading adds
//! the shares up. Names, units and text formats belong to whoever reads.
//!
//! ```
//! tally::counted! {
//!     /// What a kitchen counts.
//!     pub enum Dish {
//!         /// Plates of soup.
//!         Soup,
//!         /// Plates of cake.
//!         Cake,
//!     }
//! }
//!
//! let served = tally::Counters::spread();
//! served.add(Dish::Soup, 1);
//! std::thread::scope(|scope| scope.spawn(|| served.add(Dish::Soup, 2)).join()).unwrap();
//! let counts = served.counts();
//! assert_eq!((counts[Dish::Soup], counts[Dish::Cake]), (3, 0));
//! ```
#![deny(missing_docs)]

mod counters;
mod histogram;

pub use self::counters::{Counted, Counters, Counts};
pub use self::histogram::{Distribution, Histogram, LATENCIES, SIZES};
