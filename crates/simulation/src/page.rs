//! [`Page`]: what one page in a browser remembers: the official client's socket with its retry queue, and the
//! tutorial's few lines around it. It does no I/O: it puts what it sends into an outbox.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::record::{Answer, MessageId, Nature, PageId, Sent, Sight};
use crate::world::World;

/// How many times a message is sent again.
const RETRIES: u32 = 3;

/// How a page sends its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// One message at a time, with retries and a key for each: the last step of the tutorial.
    Retries,
    /// Every message at once and only once, with or without a key.
    Pipelined,
}

/// What a page tells the server about itself.
#[derive(Clone, Debug)]
pub(crate) enum Library {
    /// The official client: it sends back the private id and the offset that it was given.
    Official,
    /// A client in another language. It knows only the number of its last message, makes its own keys, and may name its
    /// lineage.
    Bare { name: String, has_lineage: bool },
}

/// A message that has no answer yet.
#[derive(Clone, Debug)]
struct Draft {
    message: MessageId,
    text: String,
    key: Option<String>,
    tries: u32,
    pending: bool,
}

struct Awaited {
    message: MessageId,
    until: Instant,
    from_queue: bool,
}

pub(crate) struct Page {
    world: Rc<World>,
    pub(crate) id: PageId,
    manner: Manner,
    library: Library,
    /// `None` while the page is disconnected.
    socket_id: Option<String>,
    pid: Option<String>,
    offset: Option<String>,
    pub(crate) server_offset: u64,
    counter: u64,
    last_key: Option<String>,
    queue: VecDeque<Draft>,
    buffer: VecDeque<Draft>,
    awaited: BTreeMap<u64, Awaited>,
    next_ack: u64,
    /// Events that arrived before CONNECT. The next CONNECT shows them, even on another connection, as in the official
    /// client.
    early: Vec<Value>,
    /// Packets that wait to be sent.
    pub(crate) outbox: Vec<String>,
}

impl Page {
    pub(crate) fn open(world: &Rc<World>, manner: Manner, library: Library) -> Self {
        let mut record = world.record.borrow_mut();
        let id = PageId(record.pages.len());
        let bare = matches!(library, Library::Bare { .. });
        record.pages.push(crate::record::Page { bare, ..crate::record::Page::default() });
        drop(record);
        Self {
            world: Rc::clone(world),
            id,
            manner,
            library,
            socket_id: None,
            pid: None,
            offset: None,
            server_offset: 0,
            counter: 0,
            last_key: None,
            queue: VecDeque::new(),
            buffer: VecDeque::new(),
            awaited: BTreeMap::new(),
            next_ack: 0,
            early: Vec::new(),
            outbox: Vec::new(),
        }
    }

    pub(crate) fn close(self) {
        self.forget_key();
        self.world.note(format_args!("{:?} is closed", self.id));
        if let Some(page) = self.world.record.borrow_mut().pages.get_mut(self.id.0) {
            page.closed = true;
        }
    }

    pub(crate) fn is_joined(&self) -> bool {
        self.socket_id.is_some()
    }

    pub(crate) fn is_bare(&self) -> bool {
        matches!(self.library, Library::Bare { .. })
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.queue.len() + self.buffer.len() + self.awaited.len()
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.awaited.values().map(|awaited| awaited.until).min()
    }

    // Sending.

    pub(crate) fn number(&self) -> u64 {
        self.counter
    }

    /// Makes the key of the next message as the tutorial does.
    pub(crate) fn make_key(&mut self) -> String {
        let id = match &self.library {
            Library::Official => self.socket_id.as_deref().unwrap_or("undefined"),
            Library::Bare { name, .. } => name,
        };
        let key = format!("{id}-{}", self.counter);
        self.counter += 1;
        self.last_key = Some(key.clone());
        self.publish_key();
        key
    }

    pub(crate) fn last_key(&self) -> Option<String> {
        self.last_key.clone()
    }

    pub(crate) fn manner(&self) -> Manner {
        self.manner
    }

    pub(crate) fn say(&mut self, text: String, key: Option<String>, nature: Nature) {
        let mut record = self.world.record.borrow_mut();
        let message = MessageId(record.sent.len());
        record.sent.push(Sent { page: self.id, text: text.clone(), nature, answer: Answer::None });
        drop(record);
        let brief: String = text.chars().take(24).collect();
        self.world.note(format_args!("{:?} types {message:?} {brief:?} as {key:?} ({nature:?})", self.id));
        let draft = Draft { message, text, key, tries: 0, pending: false };
        match self.manner {
            Manner::Retries => {
                self.queue.push_back(draft);
                self.drain(Force::No);
            }
            Manner::Pipelined if self.is_joined() => self.emit(&draft, false),
            Manner::Pipelined => self.buffer.push_back(draft),
        }
    }

    fn drain(&mut self, force: Force) {
        if !self.is_joined() {
            return;
        }
        let Some(front) = self.queue.front_mut() else { return };
        if front.pending && force == Force::No {
            return;
        }
        front.pending = true;
        front.tries += 1;
        let draft = front.clone();
        self.emit(&draft, true);
    }

    fn emit(&mut self, draft: &Draft, from_queue: bool) {
        let id = self.next_ack;
        self.next_ack += 1;
        let timeout = match self.world.phase.get() {
            crate::world::Phase::Hostile => self.world.rates.ack_timeout,
            crate::world::Phase::Quiet | crate::world::Phase::LastWords => Duration::from_secs(10),
        };
        let until = Instant::now() + timeout;
        self.awaited.insert(id, Awaited { message: draft.message, until, from_queue });
        let mut args = vec![json!(tidings::profile::wire::CHAT_MESSAGE), json!(draft.text)];
        args.extend(draft.key.as_ref().map(|key| json!(key)));
        self.outbox.push(format!("42{id}{}", Value::Array(args)));
    }

    pub(crate) fn time_out(&mut self, now: Instant) {
        let due: Vec<u64> =
            self.awaited.iter().filter(|(_, awaited)| awaited.until <= now).map(|(id, _)| *id).collect();
        for id in due {
            if let Some(awaited) = self.awaited.remove(&id) {
                self.answered(&awaited, None);
            }
        }
    }

    /// Tells the retry queue of an answer. `None` means that the ack timed out.
    fn answered(&mut self, awaited: &Awaited, answer: Option<&Answer>) {
        if let Some(answer) = answer {
            self.world.note(format_args!("{:?} is told of {:?}: {answer:?}", self.id, awaited.message));
            if let Some(sent) = self.world.record.borrow_mut().sent.get_mut(awaited.message.0) {
                sent.answer = answer.clone();
            }
        }
        if !awaited.from_queue {
            return;
        }
        let Some(front) = self.queue.front_mut().filter(|front| front.message == awaited.message) else {
            return;
        };
        front.pending = false;
        let is_given_up = answer.is_none() && front.tries > RETRIES;
        if is_given_up {
            self.world.record.borrow_mut().counts.given_up += 1;
            self.world.note(format_args!("{:?} gives {:?} up", self.id, awaited.message));
        }
        if answer.is_some() || is_given_up {
            self.queue.pop_front();
        }
        self.drain(Force::No);
    }

    // Receiving.

    /// The packet that joins the namespace.
    pub(crate) fn connect_packet(&self) -> String {
        let mut auth = json!({ "serverOffset": self.server_offset });
        if let (Some(pid), Some(auth)) = (&self.pid, auth.as_object_mut()) {
            auth.insert("pid".into(), json!(pid));
            auth.extend(self.offset.as_ref().map(|offset| ("offset".into(), json!(offset))));
        }
        if let (Library::Bare { name, has_lineage: true }, Some(auth)) = (&self.library, auth.as_object_mut())
        {
            auth.insert("lineage".into(), json!(format!("a secret of this page: {name}")));
        }
        format!("40{auth}")
    }

    /// Receives a packet of the namespace. The error is a packet that a correct server never sends.
    pub(crate) fn take(&mut self, packet: &str) -> Result<(), String> {
        let broken = || format!("{:?} got the packet {packet:?}", self.id);
        let (kind, rest) = packet.split_at_checked(1).ok_or_else(broken)?;
        match kind {
            "0" => {
                let told: Value = serde_json::from_str(rest).map_err(|_| broken())?;
                let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
                let (socket_id, pid) = (text("sid").ok_or_else(broken)?, text("pid").ok_or_else(broken)?);
                self.joined(socket_id, pid);
            }
            "2" => {
                let event: Value = serde_json::from_str(rest).map_err(|_| broken())?;
                if self.is_joined() {
                    self.show(&event)?;
                } else {
                    self.early.push(event);
                }
            }
            "3" => {
                let digits = rest.find('[').ok_or_else(broken)?;
                let (id, args) = rest.split_at(digits);
                let id: u64 = id.parse().map_err(|_| broken())?;
                let args: Value = serde_json::from_str(args).map_err(|_| broken())?;
                let answer = match args.get(0) {
                    None => Answer::Stored,
                    Some(told) => Answer::Refused(told["code"].as_str().ok_or_else(broken)?.to_owned()),
                };
                if let Some(awaited) = self.awaited.remove(&id) {
                    self.answered(&awaited, Some(&answer));
                }
            }
            _ => return Err(broken()),
        }
        Ok(())
    }

    fn joined(&mut self, socket_id: String, pid: String) {
        let returning = self.pid.is_some();
        let recovered = self.pid.as_ref() == Some(&pid);
        self.world.note(format_args!("{:?} joins, recovered: {recovered}, {socket_id}", self.id));
        self.pid = Some(pid).filter(|_| matches!(self.library, Library::Official));
        self.socket_id = Some(socket_id);
        self.see(Sight::Joined { recovered, returning });
        self.world.record.borrow_mut().counts.recovered += u64::from(recovered);
        self.publish_key();
        for event in std::mem::take(&mut self.early) {
            if let Err(complaint) = self.show(&event) {
                self.world.record.borrow_mut().complaints.push(complaint);
            }
        }
        for draft in std::mem::take(&mut self.buffer) {
            self.emit(&draft, false);
        }
        self.drain(Force::Yes);
    }

    fn show(&mut self, event: &Value) -> Result<(), String> {
        let broken = || format!("{:?} got the event {event}", self.id);
        let (text, seq) = match (event[0].as_str(), event[1].as_str(), event[2].as_u64()) {
            (Some(tidings::profile::wire::CHAT_MESSAGE), Some(text), Some(seq)) => (text.to_owned(), seq),
            _ => return Err(broken()),
        };
        // The tutorial's handler stores the number. The client library stores the last argument if it is a text.
        self.server_offset = seq;
        let (epoch, position) = match event[3].as_str() {
            Some(offset) => {
                self.offset = Some(offset.to_owned());
                let opened = crate::seal::opened(offset).ok_or_else(broken)?;
                (opened.epoch, Some(opened.position))
            }
            None => (self.world.epoch(), None),
        };
        let brief: String = text.chars().take(24).collect();
        self.world.note(format_args!("{:?} sees {seq} {brief:?}", self.id));
        self.see(Sight::Line { epoch, position, seq, text });
        Ok(())
    }

    fn see(&self, sight: Sight) {
        if let Some(page) = self.world.record.borrow_mut().pages.get_mut(self.id.0) {
            page.sights.push(sight);
        }
    }

    /// The connection is gone: everything that waits for an answer has failed.
    pub(crate) fn disconnected(&mut self) {
        self.forget_key();
        self.socket_id = None;
        self.outbox.clear();
        for awaited in std::mem::take(&mut self.awaited).into_values() {
            self.answered(&awaited, None);
        }
    }

    // What others may learn about the page.

    fn publish_key(&self) {
        self.forget_key();
        if let Some(id) = &self.socket_id {
            self.world.next_keys.borrow_mut().push((self.id, format!("{id}-{}", self.counter)));
        }
    }

    fn forget_key(&self) {
        self.world.next_keys.borrow_mut().retain(|(page, _)| *page != self.id);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Force {
    Yes,
    No,
}
