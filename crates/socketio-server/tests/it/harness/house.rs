//! A feed over a log, with people who are in rooms: what an application with members looks like to the server.
//!
//! Every socket of ada is in the room `u:ada`, and in the rooms that she is in by the log. Entries are the event `n`
//! with their position and cursor.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use socketio_server::{
    CursorAt, EpochStart, Feed, FeedAck, FeedConfig, FeedEntry, FeedJoin, FeedRoom, Frame, History,
    HistoryError, HistoryPage, HistoryRequest, Joining, Keys, MemberChange, Namespace, PageStart, Passage,
    Resume, Selection, Server, SocketData, Start,
};

use super::{Client, Running, fenced, start_with};

/// What is known of a house: its log, and who is where by all of it.
#[derive(Default)]
struct Books {
    entries: Vec<FeedEntry>,
    /// Person, room, and since when.
    members: HashMap<String, BTreeMap<String, u64>>,
}

/// The books, as the history of the feed.
#[derive(Default)]
struct Archive(Mutex<Books>);

impl Archive {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms_of(&self, person: &str) -> Vec<FeedRoom> {
        let books = self.books();
        let rooms = books.members.get(person).into_iter().flatten();
        let rooms = rooms.map(|(room, since)| FeedRoom::since(room.as_str(), *since));
        rooms.chain([FeedRoom::new(format!("u:{person}"))]).collect()
    }
}

impl History for Archive {
    fn request(&self, request: HistoryRequest) {
        let PageStart::After(after) = request.from else { return request.reply.send(Err(HistoryError)) };
        let count = usize::try_from(request.through.since(after)).expect("small");
        let skipped = usize::try_from(after.get()).expect("small");
        let books = self.books();
        let wanted = books.entries.iter().skip(skipped).take(count.min(request.entries_max));
        let entries = wanted.cloned().collect();
        drop(books);
        request.reply.send(Ok(HistoryPage { after, entries }));
    }
}

/// Whom a socket belongs to.
pub(crate) struct Person(pub(crate) String);

#[derive(Deserialize)]
struct Credentials {
    #[serde(rename = "as")]
    name: String,
    cursor: Option<String>,
    after: Option<u64>,
}

/// One entry to be published.
#[derive(Clone)]
pub(crate) enum Post {
    To(Selection),
    Enter(&'static str, &'static str, Selection),
    Leave(&'static str, &'static str, Selection),
    Silent,
}

/// To a room.
pub(crate) fn to(room: &str) -> Post {
    Post::To(Selection::room(room))
}

/// To everyone.
pub(crate) fn everyone() -> Post {
    Post::To(Selection::everyone())
}

/// A person enters a room; its members and the person see that.
pub(crate) fn enter(person: &'static str, room: &'static str) -> Post {
    Post::Enter(person, room, Selection::room(room).to(format!("u:{person}")))
}

/// A person leaves a room; its members and the person see that.
pub(crate) fn leave(person: &'static str, room: &'static str) -> Post {
    Post::Leave(person, room, Selection::room(room).to(format!("u:{person}")))
}

pub(crate) struct House {
    pub(crate) running: Running,
    pub(crate) feed: Feed,
    /// What an entry weighs beyond its position, in bytes.
    pub(crate) padding: usize,
    archive: Arc<Archive>,
}

impl House {
    /// A house with one worker, and a ring of so many bytes.
    pub(crate) fn start(ring_bytes_max: usize) -> Self {
        Self::start_with(1, ring_bytes_max, |namespace| namespace)
    }

    pub(crate) fn start_with(
        workers: usize,
        ring_bytes_max: usize,
        change: impl FnOnce(Namespace) -> Namespace,
    ) -> Self {
        let archive = Arc::new(Archive::default());
        let feed = Feed::new(FeedConfig {
            log: 1.into(),
            epochs: vec![EpochStart { epoch: 3.into(), start: 0.into() }],
            head: 0.into(),
            resume: Resume::Cursor,
            keys: Keys::new([7; 32]),
            ring_bytes_max,
            history: Some(Arc::clone(&archive) as Arc<dyn History>),
            ..FeedConfig::in_memory()
        });
        let (own, members) = (feed.clone(), Arc::clone(&archive));
        let namespace = fenced(Namespace::new("/"))
            .feed(feed.clone(), move |joining| join(&own, joining))
            .rooms(move |data: &SocketData| {
                let person = data.find::<Person>();
                person.map(|person| members.rooms_of(&person.0)).unwrap_or_default()
            });
        let builder = Server::builder().namespace(change(namespace));
        let running = start_with(builder.configure(|config| config.workers = workers));
        Self { running, feed, padding: 0, archive }
    }

    /// Stores entries, then publishes them as one batch; returns the position of the first one.
    pub(crate) fn publish(&self, posts: impl IntoIterator<Item = Post>) -> u64 {
        self.publish_with(posts, Vec::new())
    }

    pub(crate) fn publish_with(&self, posts: impl IntoIterator<Item = Post>, acks: Vec<FeedAck>) -> u64 {
        let first = self.feed.head().get() + 1;
        let entries: Vec<FeedEntry> =
            (first..).zip(posts).map(|(position, post)| self.entry(position, post)).collect();
        let mut books = self.archive.books();
        for (position, entry) in (first..).zip(&entries) {
            for MemberChange { sockets, room, passage } in &entry.changes {
                let person = sockets.as_str().trim_start_matches("u:").to_owned();
                let rooms = books.members.entry(person).or_default();
                match passage {
                    Passage::Enter => drop(rooms.entry(room.as_str().to_owned()).or_insert(position)),
                    Passage::Leave => drop(rooms.remove(room.as_str())),
                }
            }
        }
        books.entries.extend(entries.iter().cloned());
        drop(books);
        self.feed.publish(first, entries, acks);
        first
    }

    /// Says that a person is in a room from a position on, whatever the log says.
    pub(crate) fn admit(&self, person: &str, room: &str, since: u64) {
        let mut books = self.archive.books();
        books.members.entry(person.to_owned()).or_default().insert(room.to_owned(), since);
    }

    /// Scrubs an entry, as it is done when a message is deleted.
    pub(crate) fn scrub(&self, position: u64) {
        let place = usize::try_from(position - 1).expect("small");
        let mut books = self.archive.books();
        let entry = books.entries.get_mut(place).expect("it was published");
        *entry = FeedEntry { changes: entry.changes.clone(), ..FeedEntry::silent() };
        drop(books);
        self.feed.replace(position, FeedEntry::silent());
    }

    fn entry(&self, position: u64, post: Post) -> FeedEntry {
        let cursor = self.feed.offset(position);
        let padding = "x".repeat(self.padding);
        let packet = format!(r#"2["n",{{"p":{position},"padding":"{padding}","cursor":"{cursor}"}}]"#);
        let frame = Frame::text(&packet);
        match post {
            Post::Silent => FeedEntry::silent(),
            Post::To(audience) => FeedEntry::new(audience, frame),
            Post::Enter(person, room, audience) => FeedEntry::new(audience, frame)
                .with_changes([MemberChange::enter(format!("u:{person}"), room)]),
            Post::Leave(person, room, audience) => FeedEntry::new(audience, frame)
                .with_changes([MemberChange::leave(format!("u:{person}"), room)]),
        }
    }

    /// A client of a person, who starts with what comes next; the welcome has been read.
    pub(crate) async fn client(&self, person: &str) -> Client {
        self.client_with(&auth(person, None)).await
    }

    /// A client that starts after a position.
    pub(crate) async fn client_after(&self, person: &str, position: u64) -> Client {
        self.client_with(&auth(person, Some(&self.feed.offset(position)))).await
    }

    async fn client_with(&self, auth: &str) -> Client {
        let mut client = Client::connect_with(self.running.address, auth).await;
        assert_eq!(client.pid, None);
        let welcome = client.next().await;
        assert!(welcome.starts_with(r#"2["welcome","#), "{welcome}");
        client
    }

    /// Waits until every worker has delivered what has been published.
    pub(crate) async fn settle(&self) {
        drop(self.running.io().root().fetch().await);
    }
}

/// What a person's client says when it connects.
pub(crate) fn auth(person: &str, cursor: Option<&str>) -> String {
    serde_json::json!({ "as": person, "cursor": cursor }).to_string()
}

fn join(feed: &Feed, joining: &Joining<'_>) -> FeedJoin {
    let Ok(Credentials { name, cursor, after }) = joining.auth.parse() else { return FeedJoin::default() };
    joining.data.insert(Person(name.clone()));
    let known = cursor.map(|cursor| feed.position_of_cursor(&cursor));
    let (start, reset) = match known {
        Some(CursorAt::Known(position)) => (Start::After(position), false),
        Some(CursorAt::Ahead(position)) => (Start::Ahead(position), false),
        Some(CursorAt::Foreign) => (Start::Now, true),
        None => (after.map_or(Start::Now, |after| Start::After(after.into())), false),
    };
    let at = match start {
        Start::After(position) => position,
        Start::Now | Start::Anchor(_) | Start::Ahead(_) => joining.applied,
    };
    let cursor = feed.offset(at);
    let welcome = format!(r#"2["welcome",{{"name":"{name}","reset":{reset},"cursor":"{cursor}"}}]"#);
    FeedJoin { start, greeting: vec![Frame::text(&welcome)], ..FeedJoin::default() }
}

/// The position in an entry's event.
pub(crate) fn position(packet: &str) -> u64 {
    let event: Value = serde_json::from_str(packet.strip_prefix('2').unwrap_or_default()).expect("an event");
    assert_eq!(event[0], "n", "{packet}");
    event[1]["p"].as_u64().expect("a position")
}

/// The next entries are exactly these.
pub(crate) async fn expect(client: &mut Client, positions: impl IntoIterator<Item = u64>) {
    for expected in positions {
        assert_eq!(position(&client.next().await), expected);
    }
}
