//! [`named!`](crate::named): an enum whose variants have names in the protocol.
//!
//! The enum, the list of its variants and their names are made from one list, so no variant can be missing from `ALL`.

/// Makes an enum, `ALL` of its variants, and the method that returns the name of a variant.
///
/// ```
/// chat::named! {
///     /// The colour of a traffic light.
///     pub enum Light {
///         /// Wait.
///         Red = "red",
///         /// Go.
///         Green = "green",
///     }
///     /// As it is written.
///     pub const fn name;
/// }
/// assert_eq!(Light::ALL.map(Light::name), ["red", "green"]);
/// ```
#[macro_export]
macro_rules! named {
    (
        $(#[$about:meta])*
        pub enum $kind:ident { $($(#[$meaning:meta])* $variant:ident = $name:literal),+ $(,)? }
        $(#[$naming:meta])*
        pub const fn $method:ident;
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$meaning])* $variant),+ }

        impl $kind {
            /// Every variant, in this order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            $(#[$naming])*
            pub const fn $method(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}
