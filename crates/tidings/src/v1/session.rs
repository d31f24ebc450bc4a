//! [`Session`]: one connection of `/v1`: its user and device, as the middleware found them, and its limits.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chat::{Device, DeviceId, RoomId, SignInLabel, SignInMethod, TokenHash, UserId};
use serde::Deserialize;
use socketio_server::{Auth, Peer, SocketData};

use super::connections::OpenConnection;
use super::ids::WireDevice;
use super::pace::Pace;
use super::typing::{Typing, TypingPace};
use crate::allowance::Rate;
use crate::planted::{self, Bug};

/// Requests that one connection may have open; one more is answered `busy`.
pub const REQUESTS_OPEN_MAX: usize = 16;

/// How fast one connection may send what costs others little, and would cost them much if it came without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeRates {
    /// Notices that somebody types. Beyond it they are dropped.
    pub typing: Rate,
    /// Read pointers. Beyond it, the newest of each room waits.
    pub reads: Rate,
}

impl NoticeRates {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self =
        Self { typing: Rate { per_second: 2, burst: 10 }, reads: Rate { per_second: 5, burst: 50 } };
}

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
    /// How they are signed in.
    pub sign_in: OwnSignIn,
    /// The other end of the connection.
    pub peer: Peer,
    usage: Arc<Usage>,
    has_left: AtomicBool,
    /// Until it has left.
    open: Mutex<Option<Arc<OpenConnection>>>,
}

/// What one connection has used of its limits. All its sessions share it, so that joining again renews nothing.
#[derive(Debug, Default)]
pub struct Usage {
    paces: Mutex<Paces>,
    requests: Arc<AtomicUsize>,
}

/// The sign-in that a connection has.
#[derive(Debug)]
pub struct OwnSignIn {
    /// The hash of its token.
    pub token: TokenHash,
    /// How it began, if it is not stored yet.
    pub method: SignInMethod,
    /// What the app says about itself.
    pub label: SignInLabel,
    is_stored: AtomicBool,
}

#[derive(Debug, Default)]
struct Paces {
    notices: TypingPace,
    typing: Pace,
    reads: Pace,
}

/// An open request of a connection; dropping it closes it.
#[derive(Debug)]
pub struct OpenRequest(Arc<AtomicUsize>);

impl OwnSignIn {
    /// A sign-in that may not be stored yet.
    pub fn new(token: TokenHash, method: SignInMethod, label: SignInLabel) -> Self {
        Self { token, method, label, is_stored: AtomicBool::new(false) }
    }

    /// Whether the log was seen to have it.
    pub fn is_stored(&self) -> bool {
        self.is_stored.load(Ordering::Relaxed)
    }

    /// The log has it.
    pub fn set_stored(&self) {
        self.is_stored.store(true, Ordering::Relaxed);
    }
}

impl Session {
    /// A connection of `user`.
    pub fn new(
        user: UserId,
        device: Option<DeviceId>,
        token: Option<Secret>,
        sign_in: OwnSignIn,
        peer: Peer,
    ) -> Self {
        Self {
            user,
            device,
            token,
            sign_in,
            peer,
            usage: Arc::default(),
            has_left: AtomicBool::new(false),
            open: Mutex::default(),
        }
    }

    /// With what its connection has used before.
    #[must_use]
    pub fn using(self, usage: Arc<Usage>) -> Self {
        Self { usage, ..self }
    }

    /// Counted among the connections of its user.
    #[must_use]
    pub fn counted(self, open: Arc<OpenConnection>) -> Self {
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
        self.paces().notices.admits(what, room, now)
    }

    /// Whether the rate of notices that somebody types allows one more.
    pub fn has_time_for_typing(&self, rate: Rate, now: Instant) -> bool {
        !self.peer.rated || self.paces().typing.admits(rate, now)
    }

    /// Whether the rate of read pointers allows one more.
    pub fn has_time_for_reading(&self, rate: Rate, now: Instant) -> bool {
        !self.peer.rated || self.paces().reads.admits(rate, now)
    }

    fn paces(&self) -> MutexGuard<'_, Paces> {
        self.usage.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a request, if fewer than `open_max` are open.
    pub fn open_request(&self, open_max: usize) -> Option<OpenRequest> {
        let requests = &self.usage.requests;
        let before = requests.fetch_add(1, Ordering::Relaxed);
        let open = OpenRequest(Arc::clone(requests));
        (before < open_max).then_some(open)
    }

    /// The connection has left: nobody waits for answers any more.
    pub fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if planted::is(Bug::KeepsThoseWhoHaveLeft) {
            std::mem::forget(open);
        }
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
    /// What the app says about itself, such as "Chromium on Linux".
    pub label: Option<String>,
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

    fn session(rated: bool) -> Session {
        let sign_in = OwnSignIn::new(TokenHash::OLD, SignInMethod::Old, SignInLabel::default());
        Session::new(UserId(1), None, None, sign_in, Peer { network: None, rated })
    }

    #[test]
    fn a_connection_has_a_bounded_number_of_open_requests() {
        let session = session(true);
        let open: Vec<_> = (0..16).filter_map(|_| session.open_request(16)).collect();
        assert_eq!(open.len(), 16);
        assert!(session.open_request(16).is_none());
        drop(open);
        assert!(session.open_request(16).is_some());
    }

    #[test]
    fn rates_of_notices_are_those_of_one_connection_and_none_without_a_rated_peer() {
        let NoticeRates { typing, reads } = NoticeRates::DEFAULT;
        let now = Instant::now();
        let counts = |session: &Session| {
            let typed = (0..100).filter(|_| session.has_time_for_typing(typing, now)).count();
            (typed, (0..100).filter(|_| session.has_time_for_reading(reads, now)).count())
        };
        assert_eq!([counts(&session(true)), counts(&session(true))], [(10, 50), (10, 50)]);
        assert_eq!(counts(&session(false)), (100, 100));
    }

    #[test]
    fn joining_again_on_the_same_connection_renews_neither_paces_nor_requests() {
        let (usage, now) = (Arc::<Usage>::default(), Instant::now());
        let join = |_| session(true).using(Arc::clone(&usage));
        let NoticeRates { typing, reads } = NoticeRates::DEFAULT;
        let sessions: Vec<_> = (0..100).map(join).collect();
        let typed = sessions.iter().filter(|session| session.has_time_for_typing(typing, now)).count();
        let read = sessions.iter().filter(|session| session.has_time_for_reading(reads, now)).count();
        let told = sessions.iter().filter(|session| session.admits_typing(Typing::Goes, RoomId::LOBBY, now));
        let asked: Vec<_> = sessions.iter().filter_map(|session| session.open_request(16)).collect();
        assert_eq!((typed, read, told.count(), asked.len()), (10, 50, 1, 16));
    }

    #[test]
    fn a_connection_tells_that_its_user_types_once_a_second() {
        let session = session(true);
        let now = Instant::now();
        let admits = |what, after| {
            session.admits_typing(what, RoomId::LOBBY, now + std::time::Duration::from_millis(after))
        };
        assert!(!admits(Typing::Stopped, 0));
        assert!(admits(Typing::Goes, 0) && !admits(Typing::Goes, 999));
        assert!(admits(Typing::Stopped, 999) && admits(Typing::Goes, 1_000));
    }
}
