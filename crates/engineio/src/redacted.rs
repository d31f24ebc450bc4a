//! What `Debug` shows in place of a session id.
//!
//! A session id is a secret: anybody who reads it in a log can take over the session. So the types of this crate that
//! contain one print this instead.

use std::fmt;

pub(crate) struct Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
