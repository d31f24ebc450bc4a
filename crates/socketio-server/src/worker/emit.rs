//! Events and commands of the application: for one socket, for many, for all.

use std::sync::Arc;

use engineio::CloseReason;
use socketio::{NamespaceName, SocketId};

use super::Worker;
use super::local_namespace::{Awaiting, Cursor};
use crate::frame::Frame;
use crate::handle::ack::{AckError, PendingAck};
use crate::handle::command::{Emission, Reliability, SelectionCommand, SocketCommand};
use crate::handle::io::Broadcast;
use crate::handle::stamp::stamped;
use crate::planted::{self, Bug};
use crate::room::Selection;
use crate::sid::SessionKey;

impl Worker {
    /// Sends an event that is not an entry of a feed to many sockets.
    pub(super) fn broadcast(&mut self, broadcast: &Broadcast) {
        let Broadcast { namespace, selection, text, attachments, reliability, ack } = broadcast;
        let Some((index, slots)) = self.namespaces.selected(namespace, selection) else {
            if let Some((_, collector)) = ack {
                collector.sent(Vec::new());
            }
            return;
        };
        let feed = self.namespaces.feed(index).cloned();
        // The client takes any trailing string for its offset, unless the event asks for an answer.
        let frame = match &feed {
            Some(feed) if ack.is_none() => {
                let applied =
                    if planted::is(Bug::StampsAhead) { feed.head() } else { self.namespaces.applied(index) };
                let text = stamped(feed.config().resume, text, &feed.offset(applied));
                Frame::with_attachments(&text, attachments)
            }
            Some(_) | None => Frame::with_attachments(text, attachments),
        };
        let acks_max = self.shared.config.pending_acks_max;
        let mut sent = Vec::new();
        for slot in slots {
            let Some(key) = self.sessions.key_of(slot) else { continue };
            let Some(session) = self.sessions.at_mut(slot) else { continue };
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
                if joined.await_ack(*id, pending, acks_max) == Awaiting::Refused {
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
        let applied = self.namespaces.applied(index);
        let feed = self.namespaces.feed(index).cloned();
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(cursor) = session.joined_mut(index).map(|joined| joined.cursor) else { return };
        let frame = match feed {
            Some(feed) => Frame::with_attachments(
                &stamped(feed.config().resume, text, &feed.offset(cursor.seen(applied))),
                attachments,
            ),
            None => Frame::with_attachments(text, attachments),
        };
        self.send(key, frame);
    }

    pub(super) fn socket_command(
        &mut self,
        key: SessionKey,
        namespace: &NamespaceName,
        socket: SocketId,
        command: SocketCommand,
    ) {
        let Some(index) = self.namespaces.index_of(namespace.as_str()) else { return };
        let joined = self.sessions.get_mut(key).and_then(|session| session.joined_mut(index));
        if joined.is_none_or(|joined| joined.id != socket) {
            return;
        }
        match command {
            SocketCommand::Emit(emission) => self.emit(key, index, emission),
            SocketCommand::Reply(frame) => self.send(key, frame),
            SocketCommand::Join(joining) => {
                self.namespaces.join_rooms(&mut self.sessions, (key.slot, index), &joining);
            }
            SocketCommand::Leave(room) => {
                self.namespaces.leave_rooms(&mut self.sessions, (key.slot, index), &[room]);
            }
            SocketCommand::Disconnect(closing) => self.expel(key, namespace, closing),
            SocketCommand::Abort => self.close(key, CloseReason::ForcedClose),
        }
    }

    fn emit(&mut self, key: SessionKey, index: usize, emission: Emission) {
        let Emission { text, attachments, reliability, ack } = emission;
        if reliability == Reliability::Volatile
            && !self.sessions.get(key).is_some_and(crate::worker::session::Session::is_writable)
        {
            return;
        }
        match ack {
            Some((id, pending)) => {
                let acks_max = self.shared.config.pending_acks_max;
                let joined = self.sessions.get_mut(key).and_then(|session| session.joined_mut(index));
                let Some(joined) = joined else { return pending.fail(AckError::Disconnected) };
                if joined.await_ack(id, pending, acks_max) == Awaiting::Noted {
                    self.send(key, Frame::with_attachments(&text, &attachments));
                }
            }
            None => self.send_seen(key, index, &text, &attachments),
        }
    }

    pub(super) fn selection_command(
        &mut self,
        namespace: &NamespaceName,
        selection: &Selection,
        command: &SelectionCommand,
    ) {
        let Some((index, slots)) = self.namespaces.selected(namespace, selection) else { return };
        for slot in slots {
            let Some(key) = self.sessions.key_of(slot) else { continue };
            match command {
                SelectionCommand::Join(joining) => {
                    self.namespaces.join_rooms(&mut self.sessions, (slot, index), joining);
                }
                SelectionCommand::Leave(rooms) => {
                    self.namespaces.leave_rooms(&mut self.sessions, (slot, index), rooms);
                }
                SelectionCommand::Disconnect(closing) => self.expel(key, namespace, *closing),
                SelectionCommand::CloseTransports => self.close(key, CloseReason::ServerShuttingDown),
            }
        }
    }
}
