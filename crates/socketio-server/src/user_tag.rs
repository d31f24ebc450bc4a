//! [`UserTag`]: the application's own number of a user.

use std::num::NonZeroU64;

/// Number of a user, given by the application and never 0. A private id that carries one is worth something to this user
/// alone: see [`ConnectRequest::name_user`](crate::ConnectRequest::name_user).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserTag(NonZeroU64);

impl UserTag {
    /// `None` for 0, which stands for nobody in a private id.
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}
