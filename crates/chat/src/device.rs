//! Devices, which number their commands.
//!
//! A device numbers its durable commands 1, 2, 3 … when it puts them into its outbox, even without a connection. The server
//! accepts only the next number, so commands can be sent without waiting for answers and keep their order. Each number
//! has one result for ever: see `spent`. Knows nothing of accounts and of the wire; the rule itself is in
//! `decide::device`.

use std::fmt;

use crate::ids::UserId;

/// The name that an outbox gives itself when it is made: 128 random bits. `Debug` shows its beginning only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub [u8; 16]);

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "DeviceId({a:02x}{b:02x}{c:02x}…)")
    }
}

/// An outbox of a user: the scope of its numbers. The same id under another user is another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// The owner of the device.
    pub user: UserId,
    /// Which of the user's.
    pub id: DeviceId,
}
