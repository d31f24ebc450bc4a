//! Events and commands of the application: for one socket, for many, for all.

use std::sync::Arc;

use engineio::CloseReason;
use socketio::{AckId, NamespaceName, SocketId};

use super::Worker;
use super::local_namespace::{Cursor, SocketDataSlot};
use crate::frame::Frame;
use crate::handle::ack::{AckError, PendingAck};
use crate::handle::command::{Closing, Emission, Entering, Reliability, SelectionCommand, SocketCommand};
use crate::handle::io::Broadcast;
use crate::handle::remote::RemoteSocket;
use crate::handle::stamp::stamped;
use crate::planted::{self, Bug};
use crate::room::{Room, Selection};
use crate::sid::SessionKey;

/// Whether an answer is expected.
#[derive(PartialEq, Eq)]
enum Awaiting {
    Noted,
    Refused,
}

impl Worker {
    fn selected(&self, namespace: &NamespaceName, selection: &Selection) -> Option<(usize, Vec<u32>)> {
        let index = *self.namespace_of.get(namespace.as_str())?;
        Some((index, self.namespaces.get(index)?.select(selection)))
    }

    /// Sends an event that is not an entry of a feed to many sockets.
    pub(super) fn broadcast(&mut self, broadcast: &Broadcast) {
        let Broadcast { namespace, selection, text, attachments, reliability, ack } = broadcast;
        let Some((index, slots)) = self.selected(namespace, selection) else {
            if let Some((_, collector)) = ack {
                collector.sent(Vec::new());
            }
            return;
        };
        let feed = self.namespaces.get(index).and_then(|local| local.feed().cloned());
        // The client takes any trailing string for its offset, unless the event asks for an answer.
        let frame = match &feed {
            Some(feed) if ack.is_none() => {
                let applied = if planted::is(Bug::StampsAhead) { feed.head() } else { self.applied(index) };
                let text = stamped(feed.config().resume, text, &feed.offset(applied));
                Frame::with_attachments(&text, attachments)
            }
            Some(_) | None => Frame::with_attachments(text, attachments),
        };
        let mut sent = Vec::new();
        for slot in slots {
            let Some(key) = self.key_of(slot) else { continue };
            let Some(session) = self.sessions.get_mut(slot as usize) else { continue };
            let is_open = session.is_open();
            let Some(joined) = session.joined_mut(index) else { continue };
            // The offset in the frame is true for sockets that have seen everything up to here.
            let is_attached = feed.is_none() || joined.cursor == Cursor::Attached;
            if *reliability == Reliability::Volatile && !(is_open && is_attached) {
                continue;
            }
            let socket = joined.id;
            if let Some((id, collector)) = ack {
                sent.push(socket);
                let pending = PendingAck::Many(Arc::clone(collector), socket);
                if self.await_ack(slot, index, *id, pending) == Awaiting::Refused {
                    continue;
                }
            }
            if is_attached || ack.is_some() {
                self.send(key, frame.clone());
            } else {
                self.send_seen(key, index, text, attachments);
            }
        }
        if let Some((_, collector)) = ack {
            collector.sent(sent);
        }
    }

    /// Sends an event that ends with what this socket has seen.
    fn send_seen(&mut self, key: SessionKey, index: usize, text: &str, attachments: &[bytes::Bytes]) {
        let applied = self.applied(index);
        let feed = self.namespaces.get(index).and_then(|local| local.feed().cloned());
        let Some(session) = self.session_mut(key) else { return };
        let Some(cursor) = session.joined_mut(index).map(|joined| joined.cursor) else { return };
        let frame = match feed {
            Some(feed) => Frame::with_attachments(
                &stamped(feed.config().resume, text, &Self::seen_offset(&feed, cursor, applied)),
                attachments,
            ),
            None => Frame::with_attachments(text, attachments),
        };
        self.send(key, frame);
    }

    /// Notes that an answer is expected. One too many is refused at once, and its event must not be sent.
    fn await_ack(&mut self, slot: u32, index: usize, id: AckId, pending: PendingAck) -> Awaiting {
        let acks_max = self.shared.config.pending_acks_max;
        let Some(joined) = self.sessions.get_mut(slot as usize).and_then(|session| session.joined_mut(index))
        else {
            pending.fail(AckError::Disconnected);
            return Awaiting::Refused;
        };
        let acks = &mut joined.acks;
        if acks.len() >= acks_max {
            acks.retain(|_, pending| !pending.is_abandoned());
        }
        if acks.len() >= acks_max {
            pending.fail(AckError::TooMany);
            return Awaiting::Refused;
        }
        acks.insert(id, pending);
        Awaiting::Noted
    }

    pub(super) fn socket_command(
        &mut self,
        key: SessionKey,
        namespace: &NamespaceName,
        socket: SocketId,
        command: SocketCommand,
    ) {
        let Some(index) = self.namespace_of.get(namespace.as_str()).copied() else { return };
        let joined = self.session_mut(key).and_then(|session| session.joined_mut(index));
        if joined.is_none_or(|joined| joined.id != socket) {
            return;
        }
        match command {
            SocketCommand::Emit(emission) => self.emit(key, index, emission),
            SocketCommand::Reply(frame) => self.send(key, frame),
            SocketCommand::Join(joining) => self.join_rooms(key.slot, index, &joining),
            SocketCommand::Leave(room) => self.leave_rooms(key.slot, index, &[room]),
            SocketCommand::Disconnect(closing) => self.expel(key, namespace, closing),
            SocketCommand::Abort => self.close(key, CloseReason::ForcedClose),
        }
    }

    fn emit(&mut self, key: SessionKey, index: usize, emission: Emission) {
        let Emission { text, attachments, reliability, ack } = emission;
        if reliability == Reliability::Volatile
            && !self.session(key).is_some_and(crate::worker::session::Session::is_writable)
        {
            return;
        }
        match ack {
            Some((id, pending)) => {
                if self.await_ack(key.slot, index, id, pending) == Awaiting::Noted {
                    self.send(key, Frame::with_attachments(&text, &attachments));
                }
            }
            None => self.send_seen(key, index, &text, &attachments),
        }
    }

    // Rooms.

    fn join_rooms(&mut self, slot: u32, index: usize, joining: &Entering) {
        let rooms_max = self.shared.config.rooms_max;
        let Some(local) = self.namespaces.get_mut(index) else { return };
        let Some(joined) = self.sessions.get_mut(slot as usize).and_then(|session| session.joined_mut(index))
        else {
            return;
        };
        for room in &joining.rooms {
            if joined.is_in(room) {
                continue;
            }
            if joined.rooms.len() >= rooms_max {
                tracing::warn!(rooms_max, "a socket is in too many rooms to join another");
                return;
            }
            local.enter(slot, joined, room, joining.since);
        }
    }

    fn leave_rooms(&mut self, slot: u32, index: usize, rooms: &[Room]) {
        let Some(local) = self.namespaces.get_mut(index) else { return };
        let Some(joined) = self.sessions.get_mut(slot as usize).and_then(|session| session.joined_mut(index))
        else {
            return;
        };
        for room in rooms {
            local.leave(slot, joined, room);
        }
    }

    pub(super) fn selection_command(
        &mut self,
        namespace: &NamespaceName,
        selection: &Selection,
        command: &SelectionCommand,
    ) {
        let Some((index, slots)) = self.selected(namespace, selection) else { return };
        for slot in slots {
            match command {
                SelectionCommand::Join(joining) => self.join_rooms(slot, index, joining),
                SelectionCommand::Leave(rooms) => self.leave_rooms(slot, index, rooms),
                SelectionCommand::Disconnect(closing) => self.disconnect(slot, namespace, *closing),
                SelectionCommand::CloseTransports => {
                    if let Some(key) = self.key_of(slot) {
                        self.close(key, CloseReason::ServerShuttingDown);
                    }
                }
            }
        }
    }

    fn disconnect(&mut self, slot: u32, namespace: &NamespaceName, closing: Closing) {
        if let Some(key) = self.key_of(slot) {
            self.expel(key, namespace, closing);
        }
    }

    pub(super) fn describe(&mut self, namespace: &NamespaceName, selection: &Selection) -> Vec<RemoteSocket> {
        let Some((index, slots)) = self.selected(namespace, selection) else { return Vec::new() };
        let io = self.io();
        let describe = |slot: u32| {
            let session = self.sessions.get_mut(slot as usize)?;
            let handshake = session.handshake.clone();
            let joined = session.joined_mut(index)?;
            let handshake = match &joined.data {
                SocketDataSlot::Handle(socket) => socket.inner.handshake.clone().or(handshake),
                SocketDataSlot::Data(_) | SocketDataSlot::Nothing => handshake,
            };
            let data = joined.data.keep();
            let rooms = joined.rooms.iter().map(|(room, _)| room.clone()).collect();
            let (io, namespace) = (io.clone(), namespace.clone());
            Some(RemoteSocket { id: joined.id, rooms, data, handshake, io, namespace })
        };
        slots.into_iter().filter_map(describe).collect()
    }
}
