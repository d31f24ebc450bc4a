//! [`UserTag`]: the application's number of a user.

use std::num::NonZeroU64;

/// The number of a user, given by the application and never 0. A private id with one is valid only for this user: see
/// [`ConnectRequest::name_user`](crate::ConnectRequest::name_user).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserTag(NonZeroU64);

impl UserTag {
    /// `None` for 0, which is nobody's number.
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number, which is never 0.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// As a private id holds it.
    pub(crate) const fn number(self) -> NonZeroU64 {
        self.0
    }
}

impl From<NonZeroU64> for UserTag {
    fn from(number: NonZeroU64) -> Self {
        Self(number)
    }
}
