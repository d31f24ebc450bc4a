//! Switches for planted bugs. A test suite that does not notice a planted bug would not notice the real mistake.
//!
//! [`planted!`] defines the switches of one crate, in a module of its own. Without the feature `planted` of that crate,
//! each switch is the constant `false` and costs nothing. With it, a test can switch on one bug at a time for its own
//! thread. A switch stands where somebody could have made the mistake.
//!
//! ```
//! mod planted {
//!     planted::planted! {
//!         /// A mistake that somebody could make.
//!         pub enum Bug {
//!             /// The last entry of a page is left out.
//!             ForgetsTheLast,
//!         }
//!     }
//! }
//!
//! fn page(entries: &[u32]) -> &[u32] {
//!     if planted::is(planted::Bug::ForgetsTheLast) { &entries[1..] } else { entries }
//! }
//!
//! assert_eq!(page(&[1, 2]), [1, 2]);
//! assert_eq!(planted::Bug::ALL, [planted::Bug::ForgetsTheLast]);
//! ```
#![deny(missing_docs)]

/// Makes an enum of bugs, `ALL` of them, and the functions `plant` (with the feature `planted`) and `is`.
#[macro_export]
macro_rules! planted {
    (
        $(#[$about:meta])*
        pub enum $bugs:ident { $($(#[$mistake:meta])* $bug:ident),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $bugs { $($(#[$mistake])* $bug),+ }

        impl $bugs {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug),+];
        }

        #[cfg(feature = "planted")]
        thread_local! {
            static PLANTED: ::core::cell::Cell<Option<$bugs>> = const { ::core::cell::Cell::new(None) };
        }

        /// Switches a bug on for this thread, or all off.
        #[cfg(feature = "planted")]
        pub fn plant(bug: Option<$bugs>) {
            PLANTED.set(bug);
        }

        /// Whether the bug is switched on.
        #[cfg(feature = "planted")]
        pub(crate) fn is(bug: $bugs) -> bool {
            PLANTED.get() == Some(bug)
        }

        /// No bug is ever switched on.
        #[cfg(not(feature = "planted"))]
        pub(crate) const fn is(_: $bugs) -> bool {
            false
        }
    };
}
