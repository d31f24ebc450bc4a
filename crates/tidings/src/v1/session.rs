//! [`Session`]: one connection of `/v1`: its user and device, as the middleware found them, and its limits.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chat::{Device, DeviceId, RoomId, UserId};
use serde::Deserialize;
use socketio_server::{Auth, Peer, SocketData};

use super::connections::OpenConnection;
use super::ids::WireDevice;
use super::typing::{Typing, TypingPace};

/// Requests that one connection may have open; one more is answered `busy`.
pub const REQUESTS_OPEN_MAX: usize = 16;

/// A token or the code of a link. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the server keeps with a socket of `/v1`.
#[derive(Debug)]
pub struct Session {
    pub user: UserId,
    /// The scope of its command numbers, if it named one.
    pub device: Option<DeviceId>,
    /// Their token, if they do not have it yet.
    pub token: Option<Secret>,
    /// The other end of the connection.
    pub peer: Peer,
    typing: Mutex<TypingPace>,
    requests: Arc<AtomicUsize>,
    has_left: AtomicBool,
    /// Until it has left.
    open: Mutex<Option<OpenConnection>>,
}

/// An open request of a connection; dropping it closes it.
#[derive(Debug)]
pub struct OpenRequest(Arc<AtomicUsize>);

impl Session {
    /// A connection of `user`.
    pub fn new(user: UserId, device: Option<DeviceId>, token: Option<Secret>, peer: Peer) -> Self {
        Self {
            user,
            device,
            token,
            peer,
            typing: Mutex::default(),
            requests: Arc::default(),
            has_left: AtomicBool::new(false),
            open: Mutex::default(),
        }
    }

    /// Counted among the connections of its user.
    #[must_use]
    pub fn counted(self, open: OpenConnection) -> Self {
        Self { open: Mutex::new(Some(open)), ..self }
    }

    /// What the middleware has stored.
    pub fn of(data: &SocketData) -> Option<Arc<Self>> {
        data.find()
    }

    /// The scope of its command numbers.
    pub fn device(&self) -> Option<Device> {
        self.device.map(|id| Device { user: self.user, id })
    }

    /// Whether it is passed on that they write, or have stopped.
    pub fn admits_typing(&self, what: Typing, room: RoomId, now: Instant) -> bool {
        self.typing.lock().unwrap_or_else(PoisonError::into_inner).admits(what, room, now)
    }

    /// Opens a request, if fewer than `open_max` are open.
    pub fn open_request(&self, open_max: usize) -> Option<OpenRequest> {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        let open = OpenRequest(Arc::clone(&self.requests));
        (before < open_max).then_some(open)
    }

    /// The connection has left: nobody waits for answers any more.
    pub fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether the connection has left.
    pub fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What `/v1` reads of `auth`.
#[derive(Debug, Default, Deserialize)]
pub struct Claims {
    pub token: Option<Secret>,
    pub link: Option<Secret>,
    pub device: Option<WireDevice>,
    pub cursor: Option<String>,
}

impl Claims {
    /// Reads `auth`; `None` if something in it is of a wrong type.
    pub fn of(auth: &Auth) -> Option<Self> {
        auth.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_a_bounded_number_of_open_requests() {
        let session = Session::new(UserId(1), None, None, Peer { network: None, rated: true });
        let open: Vec<_> = (0..16).filter_map(|_| session.open_request(16)).collect();
        assert_eq!(open.len(), 16);
        assert!(session.open_request(16).is_none());
        drop(open);
        assert!(session.open_request(16).is_some());
    }

    #[test]
    fn a_connection_tells_that_its_user_types_once_a_second() {
        let session = Session::new(UserId(1), None, None, Peer { network: None, rated: true });
        let now = Instant::now();
        let admits = |what, after| {
            session.admits_typing(what, RoomId::LOBBY, now + std::time::Duration::from_millis(after))
        };
        assert!(!admits(Typing::Stopped, 0));
        assert!(admits(Typing::Goes, 0) && !admits(Typing::Goes, 999));
        assert!(admits(Typing::Stopped, 999) && admits(Typing::Goes, 1_000));
    }
}
