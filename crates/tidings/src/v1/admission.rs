//! Who connects, and with which sign-in: the middleware of the namespace.
//!
//! ```text
//! no token ──► a visitor, with a new token that nothing is stored of
//! token ─────► as the log has it: a sign-in that lasts, one that has ended, or none yet
//! link ──────► one more sign-in of its person, stored before the connection is let in
//! ```
//!
//! A sign-in that is not stored yet is stored before the first thing that its connection adds to the log. A token from
//! before there were sign-ins is stored when it is shown.

use chat::{
    Admission, Command, Directory, Draft, Identity, SignInLabel, SignInMethod, TokenHash, Trust, UserId,
};
use socketio_server::{ConnectRequest, Peer, Rejection};
use tokio::sync::oneshot;

use super::code::Code;
use super::connections::Places;
use super::edge::Edge;
use super::frames::{NAMESPACE, sockets_signed_in};
use super::identity::Shown;
use super::session::{Claims, OwnSignIn, Secret, Session};
use crate::payer::Payer;
use crate::planted::{self, Bug};
use crate::quotas::{Charge, Spending};
use crate::stats::Count;
use crate::ticket::Ticket;

/// What the log says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// A sign-in that lasts.
    Lasts,
    /// We have made it, and its person has not done anything yet.
    Visits,
    /// It was a sign-in, and is none any more.
    Ended,
    /// It is of another server.
    Foreign,
}

/// Somebody who may connect, and the token that they do not have yet.
struct Admitted {
    user: UserId,
    sign_in: OwnSignIn,
    token: Option<Secret>,
}

/// Why a command may not be handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSignedIn {
    /// The sign-in of the connection has ended.
    Ended,
    /// The queue takes no more.
    Overloaded,
}

impl Standing {
    fn of(directory: &Directory, shown: &Shown) -> Self {
        if directory.sign_in(shown.user, shown.hash).is_some() {
            return Self::Lasts;
        }
        match directory.sign_ins(shown.user) {
            // What we have signed says little: our keys are in each backup. So it counts for nobody who has a sign-in.
            _ if !shown.is_signed => Self::Foreign,
            None => Self::Visits,
            Some(_) if planted::is(Bug::BelievesEndedSignIns) => Self::Lasts,
            Some(_) => Self::Ended,
        }
    }
}

impl Edge {
    /// Finds out who wants to connect; who shows nothing is somebody new.
    pub async fn admit(&self, request: &ConnectRequest) -> Result<(), Rejection> {
        let claims = Claims::of(request.auth()).ok_or_else(|| refusal("invalid auth", "invalid"))?;
        let label = SignInLabel::cleaned(claims.label.as_deref().unwrap_or_default());
        let admitted = match (&claims.link, &claims.token) {
            (Some(link), _) => self.follow(link, request.peer(), label).await?,
            (None, Some(token)) => self.recognise(token, label)?,
            (None, None) => self.welcome_newcomer(request.peer(), label)?,
        };
        let Admitted { user, sign_in, token } = admitted;
        let trust = self.trust(request.peer(), user);
        let places = request.connection_data().get_or_default::<Places>();
        let connections_max = self.parts.connections_per_person_max;
        let Some(open) = places.take(&self.connections, user, trust, connections_max) else {
            self.parts.tallies.count(Count::LimitConnectionsPerPerson);
            return Err(refusal("too many connections of this person", "busy"));
        };
        // From here on a member counts among the members at this address, and no longer among its guests.
        if trust == Trust::Member {
            request.vouch();
        }
        let device = claims.device.map(|device| device.0);
        let session = Session::new(user, device, token, sign_in, request.peer());
        let usage = request.connection_data().get_or_default();
        request.data().insert(session.using(usage).counted(open));
        Ok(())
    }

    fn welcome_newcomer(&self, peer: Peer, label: SignInLabel) -> Result<Admitted, Rejection> {
        if !self.admits_newcomer(peer) {
            return Err(refusal("too many new people from this address", "busy"));
        }
        let [user] = self.draw();
        // Drawn from 2^63, so that two never meet. 0 is nobody.
        Ok(self.with_new_token(UserId((user >> 1).max(1)), SignInMethod::New, label))
    }

    fn with_new_token(&self, user: UserId, method: SignInMethod, label: SignInLabel) -> Admitted {
        let token = self.parts.signer.token(user, self.draw());
        let hash = self.parts.signer.shown(&token).map_or(TokenHash::OLD, |shown| shown.hash);
        Admitted { user, sign_in: OwnSignIn::new(hash, method, label), token: Some(Secret(token)) }
    }

    fn recognise(&self, token: &Secret, label: SignInLabel) -> Result<Admitted, Rejection> {
        let shown = self.parts.signer.shown(&token.0).ok_or_else(|| self.foreign())?;
        let Shown { user, hash, .. } = shown;
        let method = if hash == TokenHash::OLD { SignInMethod::Old } else { SignInMethod::New };
        let sign_in = OwnSignIn::new(hash, method, label);
        match Standing::of(&self.sight(user), &shown) {
            Standing::Visits if method == SignInMethod::Old => {
                // If it is not stored now, the next command or connection does it.
                let draft = self.draft_of(user, &sign_in);
                drop(self.parts.appender.submit(draft, Ticket::Program(None)));
            }
            Standing::Lasts | Standing::Visits => {}
            Standing::Ended => {
                self.parts.tallies.count(Count::RefusedSignedOut);
                return Err(self.refusal_of_token("signed out", "signed_out"));
            }
            Standing::Foreign => return Err(self.foreign()),
        }
        Ok(Admitted { user, sign_in, token: None })
    }

    /// For a token of another server; it is told which this one is, so that a client that knows several can tell.
    fn foreign(&self) -> Rejection {
        self.parts.tallies.count(Count::RefusedBadToken);
        self.refusal_of_token("bad token", "bad_token")
    }

    fn refusal_of_token(&self, message: &str, code: &str) -> Rejection {
        let server = self.parts.signer.server().to_string();
        refusal_with(message, &[("code", code), ("server", &server)])
    }

    /// One more device of a person. Its sign-in is in the log when it is told its token, so the token is good for ever.
    async fn follow(&self, link: &Secret, peer: Peer, label: SignInLabel) -> Result<Admitted, Rejection> {
        let user = self.redeem(link, peer)?;
        let admitted = self.with_new_token(user, SignInMethod::Link, label);
        let (tell, told) = oneshot::channel();
        let draft = self.draft_of(user, &admitted.sign_in);
        drop(self.parts.appender.submit(draft, Ticket::Program(Some(tell))));
        // A server that ends tells nobody.
        let _ = told.await;
        if self.sight(user).sign_in(user, admitted.sign_in.token).is_some() {
            return Ok(admitted);
        }
        Err(refusal("the sign-in cannot be stored now", "storage_full"))
    }

    fn redeem(&self, link: &Secret, peer: Peer) -> Result<UserId, Rejection> {
        let code = Code::parse(&link.0);
        if let Some(owner) = code.and_then(|code| self.owner_of_link(&code))
            && !self.admits_sign_in(owner, peer)
        {
            return Err(refusal("too many sign-ins of this person", "busy"));
        }
        let user = code.and_then(|code| self.links().redeem(&code, (self.parts.environment.clock)()));
        if let Some(user) = user {
            return Ok(user);
        }
        if !self.may_fail(peer, None) {
            return Err(refusal("too many codes that lead nowhere", "busy"));
        }
        self.parts.tallies.count(Count::RefusedBadLink);
        Err(refusal("bad link", "bad_link"))
    }

    fn admits_sign_in(&self, user: UserId, peer: Peer) -> bool {
        let payer = Payer { peer, person: Some((user, self.trust(peer, user))) };
        let spending = Spending { sign_ins: 1, ..Spending::default() };
        self.parts.quotas.charge(payer, spending).map(|charge| charge.map(Charge::keep)).is_ok()
    }

    /// Has the sign-in of a connection stored before what the connection adds to the log. Both are handed in in this order,
    /// so nothing of a person is in the log without a sign-in.
    pub(super) fn sign_in(&self, session: &Session) -> Result<(), NotSignedIn> {
        let own = &session.sign_in;
        if own.is_stored() {
            return Ok(());
        }
        let sight = self.sight(session.user);
        if sight.sign_in(session.user, own.token).is_some() {
            own.set_stored();
            return Ok(());
        }
        if sight.sign_ins(session.user).is_some() && !planted::is(Bug::BelievesEndedSignIns) {
            return Err(NotSignedIn::Ended);
        }
        match self.parts.appender.submit_quietly(self.draft_of(session.user, own), Ticket::Program(None)) {
            Admission::Accepted | Admission::AcceptedButFull => Ok(()),
            Admission::Refused { .. } => Err(NotSignedIn::Overloaded),
        }
    }

    fn draft_of(&self, user: UserId, sign_in: &OwnSignIn) -> Draft {
        let OwnSignIn { token, method, label, .. } = sign_in;
        Draft {
            identity: Identity::User(user),
            command: Command::SignIn { token: *token, method: *method, label: label.clone() },
            at: (self.parts.environment.now)(),
            over_quota: None,
        }
    }

    /// Closes a connection whose sign-in has ended while it joined. From now on it is in the group of its sign-in, so an end
    /// that is not known yet closes it as well.
    pub(super) fn check_sign_in(&self, session: &Session) {
        let (user, token) = (session.user, session.sign_in.token);
        let sight = self.sight(user);
        let has_ended = sight.sign_ins(user).is_some() && sight.sign_in(user, token).is_none();
        if has_ended
            && !planted::is(Bug::BelievesEndedSignIns)
            && let Some(namespace) = self.parts.io.upgrade().and_then(|io| io.of(NAMESPACE).ok())
        {
            // Who is gone needs no closing.
            drop(namespace.to(sockets_signed_in(user, token.id())).close_transports());
        }
    }

    fn draw<const NUMBERS: usize>(&self) -> [u64; NUMBERS] {
        std::array::from_fn(|_| {
            let mut bytes = [0; 8];
            (self.parts.environment.random)(&mut bytes);
            u64::from_be_bytes(bytes)
        })
    }
}

fn refusal(message: &str, code: &str) -> Rejection {
    refusal_with(message, &[("code", code)])
}

fn refusal_with(message: &str, data: &[(&str, &str)]) -> Rejection {
    tracing::debug!(why = message, "somebody is refused");
    let rejection = Rejection::new(message);
    let data = data.iter().copied().collect::<std::collections::BTreeMap<_, _>>();
    rejection.clone().with_data(&data).unwrap_or(rejection)
}
