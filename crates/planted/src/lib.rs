//! Switches for planted bugs, and counters of rare states. A test suite that does not notice a planted bug would not
//! notice the real mistake, and one that never reaches a state proves nothing about it.
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
//!
//! [`planted_by_name!`] is for code that runs on threads of its own or in a program of its own: the environment variable
//! `PLANTED_BUG` names the bug, and the whole process has it.
//!
//! [`rare!`] defines the states of one crate that its tests must reach at least sometimes. Without the feature
//! `planted`, counting costs nothing.
//!
//! ```
//! mod rare {
//!     planted::rare! {
//!         /// A state that a test must reach.
//!         pub enum Rare {
//!             /// A page is not full.
//!             Short,
//!         }
//!     }
//! }
//!
//! rare::reached(rare::Rare::Short);
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

/// Makes an enum of bugs, `ALL` of them, and the function `is`. With the feature `planted`, the process has the bug
/// whose name is in the environment variable `PLANTED_BUG` when it is first asked for.
///
/// ```
/// mod planted {
///     planted::planted_by_name! {
///         /// A mistake that somebody could make.
///         pub enum Bug {
///             /// The last entry of a page is left out.
///             ForgetsTheLast,
///         }
///     }
/// }
///
/// assert!(!planted::is(planted::Bug::ForgetsTheLast));
/// ```
#[macro_export]
macro_rules! planted_by_name {
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

            /// The name in the code.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => stringify!($bug)),+
                }
            }
        }

        /// Whether the process has the bug.
        #[cfg(feature = "planted")]
        pub fn is(bug: $bugs) -> bool {
            static NAME: ::std::sync::OnceLock<Option<String>> = ::std::sync::OnceLock::new();
            NAME.get_or_init(|| ::std::env::var("PLANTED_BUG").ok()).as_deref() == Some(bug.name())
        }

        /// No bug is ever there.
        #[cfg(not(feature = "planted"))]
        pub const fn is(_: $bugs) -> bool {
            false
        }
    };
}

/// Makes an enum of rare states, `ALL` of them, and the functions `reached` and (with the feature `planted`)
/// `take_counts`.
#[macro_export]
macro_rules! rare {
    (
        $(#[$about:meta])*
        pub enum $states:ident { $($(#[$meaning:meta])* $state:ident),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $states { $($(#[$meaning])* $state),+ }

        impl $states {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$state),+];
        }

        #[cfg(feature = "planted")]
        thread_local! {
            static COUNTS: ::core::cell::Cell<[u64; $states::ALL.len()]> =
                const { ::core::cell::Cell::new([0; $states::ALL.len()]) };
        }

        /// How often this thread has reached each state since this was last called.
        #[cfg(feature = "planted")]
        pub fn take_counts() -> impl Iterator<Item = ($states, u64)> {
            let counts = COUNTS.replace([0; $states::ALL.len()]);
            $states::ALL.iter().copied().zip(counts)
        }

        /// Counts a state that is reached.
        #[cfg(feature = "planted")]
        pub(crate) fn reached(state: $states) {
            let mut counts = COUNTS.get();
            if let Some(count) = counts.get_mut(state as usize) {
                *count += 1;
            }
            COUNTS.set(counts);
        }

        /// Nobody counts.
        #[cfg(not(feature = "planted"))]
        pub(crate) const fn reached(_: $states) {}
    };
}
