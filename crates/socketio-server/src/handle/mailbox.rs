//! [`Mailbox`]: the commands that wait for a worker. A short lock, and one wake for all of them.
//!
//! [`Mailbox::offer`] is bounded: it refuses at [`COMMANDS_MAX`]. Commands that are bounded by their source (one
//! request of a connection, one batch of a feed) use [`Mailbox::post`], which never refuses, so that none is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::feed::{FeedAck, FeedPosition, HistoryError, HistoryPage, Outlet};
use crate::handle::command::{Announcement, Command};
use crate::occupancy::Exit;
use crate::rare::{self, Rare};
use crate::seam;
use crate::sid::SessionKey;

/// How many commands may wait for one worker before events are refused.
pub(crate) const COMMANDS_MAX: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Mailbox {
    /// `None` once the worker has stopped: later commands are dropped, which tells everybody who waits for an answer.
    queue: Mutex<Option<Queue>>,
    wake: Notify,
    /// Sessions that have to leave. They go before the next turn of any socket, so that they read nothing more.
    exits: Mutex<Vec<(SessionKey, Exit)>>,
    has_exits: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    commands: Vec<Command>,
    /// A feed has grown: the worker will be busy for a while.
    has_growth: bool,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Some(Queue::default())),
            wake: Notify::new(),
            exits: Mutex::default(),
            has_exits: AtomicBool::new(false),
        }
    }
}

impl Mailbox {
    /// Queues a command unless the mailbox is full.
    pub(crate) fn offer(&self, command: Command) -> Result<(), Full> {
        match &*self.lock() {
            Some(queue) if queue.commands.len() >= COMMANDS_MAX => return Err(Full),
            Some(_) | None => {}
        }
        self.post(command);
        Ok(())
    }

    /// Queues a command whose number is bounded by its source.
    pub(crate) fn post(&self, command: Command) {
        let mut guard = self.lock();
        // A rejected command is dropped without the lock, because its drop may post another one.
        let Some(queue) = &mut *guard else { return drop(guard) };
        let first = queue.commands.is_empty();
        queue.has_growth |= matches!(command, Command::Feed(_));
        queue.commands.push(command);
        drop(guard);
        if first {
            self.wake.notify_one();
        }
    }

    /// Takes all waiting commands, in order. In a simulation, the last of them may count as not yet arrived.
    pub(crate) fn take(&self) -> Vec<Command> {
        let mut commands = self.lock().as_mut().map(std::mem::take).unwrap_or_default().commands;
        let late = commands.split_off(seam::share_of(commands.len()));
        if !late.is_empty() {
            rare::reached(Rare::TurnCutShort);
            for command in late {
                self.post(command);
            }
        }
        commands
    }

    /// Tells a session to leave.
    pub(crate) fn show_out(&self, key: SessionKey, exit: Exit) {
        self.exits.lock().unwrap_or_else(PoisonError::into_inner).push((key, exit));
        self.has_exits.store(true, Ordering::Release);
        self.wake();
    }

    /// The sessions that have been told to leave.
    pub(crate) fn take_exits(&self) -> Vec<(SessionKey, Exit)> {
        if !self.has_exits.load(Ordering::Relaxed) || !self.has_exits.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        std::mem::take(&mut *self.exits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether commands wait for the worker's next turn, none of which is a growth of a feed.
    pub(crate) fn has_brief_commands_only(&self) -> bool {
        self.lock().as_ref().is_some_and(|queue| !queue.commands.is_empty() && !queue.has_growth)
    }

    /// Accepts no more commands, and drops those that wait.
    pub(crate) fn close(&self) {
        let left = self.lock().take();
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when a command may have arrived.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    /// Wakes [`wait`](Self::wait) without a command: a deadline is now earlier.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Outlet for Mailbox {
    fn grown(&self, namespace: Arc<str>, through: FeedPosition, acks: Vec<FeedAck>, at: Instant) {
        self.post(Command::Feed(Announcement { namespace, through, acks, at }));
    }

    fn page(&self, key: SessionKey, namespace: Arc<str>, page: Result<HistoryPage, HistoryError>) {
        self.post(Command::History { key, namespace, page });
    }
}

/// The mailbox already holds [`COMMANDS_MAX`] commands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full;

#[cfg(test)]
mod tests {
    use socketio::{AckId, NamespaceName, SocketId};

    use super::*;
    use crate::feed::{AckHandle, Feed, FeedConfig, FeedEntry};

    /// A feed of two workers, and their mailboxes.
    fn feed() -> (Feed, [Arc<Mailbox>; 2]) {
        let feed = Feed::new(FeedConfig::in_memory());
        let mailboxes = [Arc::new(Mailbox::default()), Arc::new(Mailbox::default())];
        let outlets = mailboxes.iter().map(|mailbox| Arc::clone(mailbox) as Arc<dyn Outlet>);
        assert!(feed.bind("/".into(), outlets.collect()));
        (feed, mailboxes)
    }

    /// An answer for a socket of a worker.
    fn answer(worker: u16) -> FeedAck {
        let handle = AckHandle {
            worker,
            key: SessionKey { slot: 0, generation: 1 },
            namespace: NamespaceName::ROOT,
            socket: SocketId::from_bytes([0; 15]),
            id: AckId::new(1),
        };
        handle.answer("1")
    }

    /// How many commands each worker finds.
    fn counts(mailboxes: &[Arc<Mailbox>; 2]) -> [usize; 2] {
        mailboxes.each_ref().map(|mailbox| mailbox.take().len())
    }

    #[test]
    fn an_answer_reaches_the_worker_of_its_socket_alone() {
        let (feed, mailboxes) = feed();
        for _ in 0..1_000 {
            feed.acknowledge(answer(1));
        }
        assert_eq!(counts(&mailboxes), [0, 1_000]);
        feed.publish(1, Vec::new(), vec![answer(0), answer(0)]);
        assert_eq!(counts(&mailboxes), [2, 0]);
        feed.publish(1, vec![FeedEntry::silent()], vec![answer(0)]);
        assert_eq!(counts(&mailboxes), [1, 1]);
    }
}
