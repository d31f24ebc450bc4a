//! Stands in for a session id wherever `Debug` would show one.
//!
//! A session id is a bearer secret: whoever reads it in a log can take over the session. So the types of this
//! crate that carry one print this instead.

use std::fmt;

pub(crate) struct Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
