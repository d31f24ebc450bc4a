//! The namespaces of one connection, and the order of its packets.
//!
//! ```text
//!              CONNECT              join                  leave
//!   (nothing) ────────► pending ──────────► joined ───────────────► departed ──► (forgotten)
//!       ▲                │    │ DISCONNECT    │ DISCONNECT             │ CONNECT
//!       │     refuse     │    ▼               ▼                        ▼
//!       └────────────────┘  withdrawn       parting ── leave ──►    pending
//!                        │    │ CONNECT
//!                CONNECT ▼    ▼
//!                       replaced ── verdict, renew ──► pending
//! ```
//!
//! A packet is accepted only in the right state. Anything else is a [`Violation`], and the caller closes the
//! connection. There are two exceptions.
//!
//! - After the server has left a namespace, late packets for it are ignored, because the client cannot know yet.
//! - A client that waits may send another CONNECT. Only the last one counts, and it waits for the verdict on the
//!   first, so that a client never has two open questions. If the first was accepted meanwhile, the same CONNECT again
//!   changes nothing; a different one leaves the namespace and asks again. Until that verdict, packets for the
//!   namespace are ignored.
//!
//! A slot always means the socket that it was given for. A CONNECT reaches the caller only if no other one for the same
//! namespace waits. The memory of a connection is bounded by [`Limits`] and the bytes of one packet. This module knows
//! neither sockets nor rooms: `S` is what the caller keeps for each namespace.

mod incoming;
mod reassembly;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::limits::Limits;
use crate::namespace::NamespaceName;
use crate::packet::{self, DecodeError, Head, Packet, PacketType};
use crate::payload::{AuthPayload, Payload};
pub use incoming::{Incoming, Violation};
use reassembly::{Reassembly, Target};

/// The namespaces of one connection. `S` is what the caller keeps for each joined namespace.
///
/// ```
/// use socketio::{Connection, Incoming, Limits, Violation};
///
/// let limits = Limits::default();
/// let mut connection = Connection::new();
/// let Incoming::Connect { namespace, .. } = connection.on_text("0/chat,", &limits)? else { unreachable!() };
///
/// // Nothing else is welcome while the server makes up its mind.
/// assert_eq!(connection.on_text(r#"2/chat,["hi"]"#, &limits), Err(Violation::NotJoined));
///
/// let slot = connection.join(&namespace, "bob").expect("the client has not left");
/// assert_eq!(connection.find("/chat"), Some(slot));
/// assert_eq!(connection.leave(slot), Some("bob"));
///
/// // What was under way when the server left is ignored.
/// assert_eq!(connection.on_text(r#"2/chat,["hi"]"#, &limits), Ok(Incoming::Nothing));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Debug)]
pub struct Connection<S> {
    // Nearly all connections have one namespace, so the first is stored in place, and there is no map.
    members: SmallVec<[Member<S>; 1]>,
    reassembly: Option<Box<Reassembly>>,
    /// The number of the next slot.
    joins: u32,
}

/// A joined namespace of one connection, until it leaves. Slots are not reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(u32);

#[derive(Debug)]
struct Member<S> {
    namespace: NamespaceName,
    state: State<S>,
}

/// A hash of the `auth` of a CONNECT, which tells whether another CONNECT repeats it. A client that makes two collide
/// harms only itself. Three bytes make no connection larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint([u8; 3]);

/// What a waiting client may believe about the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It believes that it is outside.
    Outside,
    /// It may believe that it is inside: an earlier CONNECT was accepted.
    Inside,
}

#[derive(Debug)]
enum State<S> {
    /// The client has asked, and the server has not answered.
    Pending(Before, Fingerprint),
    /// The client left before the answer. The entry stays until the answer, so that a client cannot have many open
    /// questions.
    Withdrawn,
    /// The client asked again before the answer, with this `auth`. Nobody gets the answer to the first question.
    Replaced(Before, Box<str>),
    Joined(Fingerprint, Slot, S),
    /// The client has left, and the caller has not collected its state.
    Parting(Slot, S),
    /// The server has left, and the client may not know.
    Departed,
}

impl<S> Default for Connection<S> {
    fn default() -> Self {
        Self { members: SmallVec::new(), reassembly: None, joins: 0 }
    }
}

/// Packets of the peer.
impl<S> Connection<S> {
    /// A connection without namespaces.
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles a text message, without the engine's digit. A lone surrogate in its JSON becomes U+FFFD.
    pub fn on_text<'a>(&mut self, text: &'a str, limits: &Limits) -> Result<Incoming<'a>, Violation> {
        if self.reassembly.is_some() {
            return Err(Violation::AttachmentsMissing);
        }
        let (head, data) = Head::decode(text)?;
        match packet::mended(data) {
            None => self.on_packet(&head.with_body(data)?, limits),
            Some(data) => self.on_packet(&head.with_body(&data)?, limits).map(Incoming::into_owned),
        }
    }

    fn on_packet<'a>(&mut self, packet: &Packet<'a>, limits: &Limits) -> Result<Incoming<'a>, Violation> {
        match packet.kind {
            PacketType::Connect => self.on_connect(packet, limits),
            PacketType::Disconnect => self.on_disconnect(packet.namespace),
            PacketType::ConnectError => Err(Violation::ConnectError),
            PacketType::Event | PacketType::Ack => {
                let target = self.target(packet, limits)?;
                Ok(target.complete(Payload::new(packet.data, packet.body, Vec::new())))
            }
            PacketType::BinaryEvent | PacketType::BinaryAck => {
                let target = self.target(packet, limits)?;
                self.reassembly = Some(Box::new(Reassembly::begin(target, packet)));
                Ok(Incoming::Nothing)
            }
        }
    }

    /// Handles a binary message: the next attachment of the packet before it.
    pub fn on_binary(&mut self, data: Bytes, limits: &Limits) -> Result<Incoming<'static>, Violation> {
        let Some(mut reassembly) = self.reassembly.take() else { return Err(Violation::UnexpectedBinary) };
        reassembly.push(data, limits)?;
        if !reassembly.is_complete() {
            self.reassembly = Some(reassembly);
            return Ok(Incoming::Nothing);
        }
        let (target, payload) = reassembly.finish();
        // The server may have left while the attachments arrived.
        Ok(match target.slot() {
            Some(slot) if !self.is_joined(slot) => Incoming::Nothing,
            Some(_) | None => target.complete(payload),
        })
    }

    fn on_connect<'a>(&mut self, packet: &Packet<'a>, limits: &Limits) -> Result<Incoming<'a>, Violation> {
        if let Some(at) = self.position(packet.namespace)
            && let Some(member) = self.members.get_mut(at)
        {
            match &mut member.state {
                State::Departed => drop(self.members.remove(at)),
                state @ (State::Pending(..) | State::Withdrawn | State::Replaced(..)) => {
                    *state = State::Replaced(state.before(), packet.data.into());
                    return Ok(Incoming::Nothing);
                }
                State::Joined(auth, ..) if *auth == Fingerprint::of(packet.data) => {
                    return Ok(Incoming::Nothing);
                }
                State::Joined(_, slot, _) => {
                    let slot = *slot;
                    member.part();
                    return Ok(self.ask(packet, Some(slot))?);
                }
                State::Parting(..) => {}
            }
        }
        let present = self.members.iter().filter(|member| !matches!(member.state, State::Departed)).count();
        if present >= limits.namespaces {
            return Err(Violation::TooManyNamespaces);
        }
        self.forget_departed(limits.departed_namespaces);
        Ok(self.ask(packet, None)?)
    }

    fn ask<'a>(&mut self, packet: &Packet<'a>, replaces: Option<Slot>) -> Result<Incoming<'a>, DecodeError> {
        let namespace = NamespaceName::parse(packet.namespace)?;
        let before = if replaces.is_some() { Before::Inside } else { Before::Outside };
        let state = State::Pending(before, Fingerprint::of(packet.data));
        self.members.push(Member { namespace: namespace.clone(), state });
        Ok(Incoming::Connect { namespace, auth: AuthPayload::new(packet.data), replaces })
    }

    fn on_disconnect(&mut self, namespace: &str) -> Result<Incoming<'static>, Violation> {
        let at = self.position(namespace).ok_or(Violation::NotJoined)?;
        let member = self.members.get_mut(at).ok_or(Violation::NotJoined)?;
        match std::mem::replace(&mut member.state, State::Departed) {
            State::Pending(..) | State::Replaced(..) => {
                member.state = State::Withdrawn;
                Ok(Incoming::Nothing)
            }
            State::Joined(_, slot, state) => {
                member.state = State::Parting(slot, state);
                Ok(Incoming::Disconnect { slot })
            }
            // The client itself says that it has left, so no late packets can follow.
            State::Departed => {
                self.members.remove(at);
                Ok(Incoming::Nothing)
            }
            state @ (State::Withdrawn | State::Parting(..)) => {
                member.state = state;
                Err(Violation::NotJoined)
            }
        }
    }

    /// Where an event or an answer goes. This is known before its attachments arrive.
    fn target(&self, packet: &Packet<'_>, limits: &Limits) -> Result<Target, Violation> {
        if packet.body.name_json(packet.data).trim_matches('"').len() > limits.event_name_bytes {
            return Err(Violation::EventNameTooLong);
        }
        let member = self.position(packet.namespace).and_then(|at| self.members.get(at));
        match member.map(|member| &member.state) {
            Some(&State::Joined(_, slot, _)) => Ok(Target::new(slot, packet)),
            Some(
                State::Departed | State::Pending(Before::Inside, _) | State::Replaced(Before::Inside, _),
            ) => Ok(Target::Nobody),
            Some(State::Pending(..) | State::Withdrawn | State::Replaced(..) | State::Parting(..)) | None => {
                Err(Violation::NotJoined)
            }
        }
    }

    /// The member with this name: a joined one, or else one that has left.
    fn position(&self, namespace: &str) -> Option<usize> {
        let is_left = |member: &Member<S>| matches!(member.state, State::Parting(..));
        let named = |member: &Member<S>| member.namespace.as_str() == namespace;
        let present = self.members.iter().position(|member| named(member) && !is_left(member));
        present.or_else(|| self.members.iter().position(named))
    }

    /// Forgets the oldest departed members, and keeps the newest `keep` of them.
    fn forget_departed(&mut self, keep: usize) {
        let departed = self.members.iter().filter(|member| matches!(member.state, State::Departed)).count();
        let mut surplus = departed.saturating_sub(keep);
        self.members.retain(|member| {
            let forget = surplus > 0 && matches!(member.state, State::Departed);
            surplus -= usize::from(forget);
            !forget
        });
    }

    fn is_joined(&self, slot: Slot) -> bool {
        self.members
            .iter()
            .any(|member| matches!(member.state, State::Joined(_, joined, _) if joined == slot))
    }
}

/// Decisions of the server.
impl<S> Connection<S> {
    /// Accepts a pending client. `None` if it has left meanwhile, or has asked again: see [`Self::renew`].
    pub fn join(&mut self, namespace: &NamespaceName, state: S) -> Option<Slot> {
        let at = self.position(namespace.as_str())?;
        let member = self.members.get_mut(at)?;
        match member.state {
            State::Pending(_, auth) => {
                let slot = Slot(self.joins);
                self.joins = self.joins.wrapping_add(1);
                member.state = State::Joined(auth, slot, state);
                Some(slot)
            }
            State::Withdrawn => {
                self.members.remove(at);
                None
            }
            State::Replaced(..) | State::Joined(..) | State::Parting(..) | State::Departed => None,
        }
    }

    /// Refuses a pending client, which may ask again. Returns whether it still waits for this answer: it may have left
    /// or asked again.
    pub fn refuse(&mut self, namespace: &NamespaceName) -> bool {
        let Some(at) = self.position(namespace.as_str()) else { return false };
        match self.members.get(at).map(|member| &member.state) {
            Some(State::Pending(..)) => {
                self.members.remove(at);
                true
            }
            Some(State::Withdrawn) => {
                self.members.remove(at);
                false
            }
            Some(State::Replaced(..) | State::Joined(..) | State::Parting(..) | State::Departed) | None => {
                false
            }
        }
    }

    /// To be called after a verdict: returns the CONNECT that the client sent meanwhile, which is pending from now on.
    pub fn renew(&mut self, namespace: &NamespaceName) -> Option<AuthPayload<'static>> {
        let at = self.position(namespace.as_str())?;
        let member = self.members.get_mut(at)?;
        match std::mem::replace(&mut member.state, State::Withdrawn) {
            State::Replaced(before, auth) => {
                member.state = State::Pending(before, Fingerprint::of(&auth));
                Some(AuthPayload::new(&auth).into_owned())
            }
            state => {
                member.state = state;
                None
            }
        }
    }

    /// Leaves a joined namespace and returns its state. Late packets for it are ignored, unless the client itself has
    /// left.
    pub fn leave(&mut self, slot: Slot) -> Option<S> {
        let at = self.members.iter().position(|member| member.slot() == Some(slot))?;
        let Member { namespace, state } = self.members.remove(at);
        match state {
            State::Joined(.., state) => {
                // Moved to the end: the oldest departed member is forgotten first.
                self.members.push(Member { namespace, state: State::Departed });
                Some(state)
            }
            State::Parting(_, state) => Some(state),
            State::Pending(..) | State::Withdrawn | State::Replaced(..) | State::Departed => None,
        }
    }
}

/// What is known of the namespaces and their sockets.
impl<S> Connection<S> {
    /// The state of a joined namespace.
    pub fn socket(&self, slot: Slot) -> Option<&S> {
        self.slots().find(|(joined, ..)| *joined == slot).map(|(_, _, state)| state)
    }

    /// The state of a joined namespace, mutable.
    pub fn socket_mut(&mut self, slot: Slot) -> Option<&mut S> {
        self.slots_mut().find(|(joined, ..)| *joined == slot).map(|(_, _, state)| state)
    }

    /// The name of a joined namespace.
    pub fn namespace(&self, slot: Slot) -> Option<&NamespaceName> {
        self.slots().find(|(joined, ..)| *joined == slot).map(|(_, namespace, _)| namespace)
    }

    /// All namespaces with a state: the joined ones, and those that the client has left until [`Self::leave`] is
    /// called.
    pub fn slots(&self) -> impl Iterator<Item = (Slot, &NamespaceName, &S)> {
        self.members.iter().filter_map(|member| match &member.state {
            State::Joined(_, slot, state) | State::Parting(slot, state) => {
                Some((*slot, &member.namespace, state))
            }
            State::Pending(..) | State::Withdrawn | State::Replaced(..) | State::Departed => None,
        })
    }

    /// Like [`Self::slots`], with mutable states.
    pub fn slots_mut(&mut self) -> impl Iterator<Item = (Slot, &NamespaceName, &mut S)> {
        self.members.iter_mut().filter_map(|member| match &mut member.state {
            State::Joined(_, slot, state) | State::Parting(slot, state) => {
                Some((*slot, &member.namespace, state))
            }
            State::Pending(..) | State::Withdrawn | State::Replaced(..) | State::Departed => None,
        })
    }

    /// The slot of a namespace, if it is joined.
    pub fn find(&self, namespace: &str) -> Option<Slot> {
        self.members.iter().find_map(|member| match member.state {
            State::Joined(_, slot, _) if member.namespace.as_str() == namespace => Some(slot),
            State::Joined(..)
            | State::Pending(..)
            | State::Withdrawn
            | State::Replaced(..)
            | State::Parting(..)
            | State::Departed => None,
        })
    }

    /// Whether a packet still waits for attachments.
    pub fn awaits_attachment(&self) -> bool {
        self.reassembly.is_some()
    }

    /// Bytes of memory that a packet takes whose attachments have not all arrived.
    pub fn held_bytes(&self) -> usize {
        self.reassembly.as_ref().map_or(0, |reassembly| size_of::<Reassembly>() + reassembly.kept_bytes())
    }

    /// How many namespaces are joined.
    pub fn joined_count(&self) -> usize {
        self.members.iter().filter(|member| matches!(member.state, State::Joined(..))).count()
    }

    /// Whether the client waits for the next verdict on this namespace. It does not if it has left or asked again
    /// since.
    pub fn awaits(&self, namespace: &NamespaceName) -> bool {
        let is_pending = |member: &Member<S>| matches!(member.state, State::Pending(..));
        self.members.iter().any(|member| member.namespace == *namespace && is_pending(member))
    }

    /// How many CONNECTs wait for a verdict, including those whose client has left or asked again since.
    pub fn pending_count(&self) -> usize {
        let undecided = |member: &&Member<S>| {
            matches!(member.state, State::Pending(..) | State::Withdrawn | State::Replaced(..))
        };
        self.members.iter().filter(undecided).count()
    }
}

impl Fingerprint {
    fn of(auth: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        auth.hash(&mut hasher);
        let [.., a, b, c] = hasher.finish().to_be_bytes();
        Self([a, b, c])
    }
}

impl<S> State<S> {
    fn before(&self) -> Before {
        match self {
            Self::Pending(before, _) | Self::Replaced(before, _) => *before,
            Self::Joined(..) => Before::Inside,
            Self::Withdrawn | Self::Parting(..) | Self::Departed => Before::Outside,
        }
    }
}

impl<S> Member<S> {
    /// The client has left.
    fn part(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Departed) {
            State::Joined(_, slot, state) => State::Parting(slot, state),
            state => state,
        };
    }

    fn slot(&self) -> Option<Slot> {
        match self.state {
            State::Joined(_, slot, _) | State::Parting(slot, _) => Some(slot),
            State::Pending(..) | State::Withdrawn | State::Replaced(..) | State::Departed => None,
        }
    }
}

#[cfg(test)]
mod tests;
