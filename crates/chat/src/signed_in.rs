//! [`SignIn`]: a sign-in of a person that lasts, as the directory has it.
//!
//! Each sign-in of a person may end every other one. Decides nothing about that.

use crate::entry::UnixMillis;
use crate::sign_in::{SignInLabel, SignInMethod, TokenHash};

/// A sign-in that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The hash of its token.
    pub token: TokenHash,
    /// How it began.
    pub method: SignInMethod,
    /// What the app has said about itself.
    pub label: SignInLabel,
    /// When it began.
    pub since: UnixMillis,
}
