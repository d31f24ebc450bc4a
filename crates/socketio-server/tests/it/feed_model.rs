//! Delivery to rooms against a model that looks at every entry for every client, over many seeds.
//!
//! The model knows the log and when each client came. Whoever is in a room for good must have got all of it from where
//! they came in; whoever has left may have got it up to there, and never a frame that was published after; everybody gets
//! what is for everyone; all of it once, in order.

use std::collections::BTreeMap;

use socketio_server::Selection;

use crate::harness::house::{House, Post, everyone, position, to};
use crate::harness::{Client, Polling};

const PEOPLE: [&str; 3] = ["ada", "bob", "cleo"];
const ROOMS: [&str; 4] = ["r", "s", "t", "u"];

/// Numbers that look random; the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        let count = u64::try_from(list.len()).expect("small");
        list[usize::try_from(self.below(count)).expect("small")]
    }
}

/// What an entry was, to the model.
#[derive(Clone)]
struct Fact {
    everyone: bool,
    rooms: Vec<String>,
    except: Option<String>,
    moves: Option<(&'static str, &'static str)>,
    silent: bool,
}

/// A stay of a person in a room: from an entry on, up to another.
#[derive(Clone, Copy)]
struct Stay {
    from: u64,
    to: Option<u64>,
}

#[derive(Default)]
struct Model {
    log: Vec<Fact>,
    stays: BTreeMap<(&'static str, &'static str), Vec<Stay>>,
}

impl Model {
    fn is_in(&self, person: &'static str, room: &'static str) -> bool {
        self.stays.get(&(person, room)).and_then(|stays| stays.last()).is_some_and(|stay| stay.to.is_none())
    }

    /// Makes an entry, notes it, and returns it for the server.
    fn post(&mut self, random: &mut Random, sockets: &[String]) -> Post {
        let position = self.log.len() as u64 + 1;
        let (person, room) = (random.of(&PEOPLE), random.of(&ROOMS));
        let mut fact =
            Fact { everyone: false, rooms: vec![room.to_owned()], except: None, moves: None, silent: false };
        let sender = (!sockets.is_empty()).then(|| {
            let count = u64::try_from(sockets.len()).expect("small");
            sockets[usize::try_from(random.below(count)).expect("small")].clone()
        });
        let but = |selection: Selection, fact: &mut Fact| match &sender {
            Some(id) => {
                fact.except = Some(id.clone());
                selection.except(id.as_str())
            }
            None => selection,
        };
        let post = match random.below(10) {
            0 | 1 => {
                fact.everyone = true;
                everyone()
            }
            2 => {
                fact.everyone = true;
                Post::To(but(Selection::everyone(), &mut fact))
            }
            3 => Post::To(but(Selection::room(room), &mut fact)),
            4 => {
                fact.silent = true;
                Post::Silent
            }
            5 => {
                let other = random.of(&ROOMS);
                fact.rooms.push(other.to_owned());
                Post::To(Selection::room(room).to(other))
            }
            6 | 7 => {
                fact.rooms.push(format!("u:{person}"));
                fact.moves = Some((person, room));
                let audience = Selection::room(room).to(format!("u:{person}"));
                let is_in = self.is_in(person, room);
                let stays = self.stays.entry((person, room)).or_default();
                if is_in {
                    stays.last_mut().expect("it is in").to = Some(position);
                    Post::Leave(person, room, audience)
                } else {
                    stays.push(Stay { from: position, to: None });
                    Post::Enter(person, room, audience)
                }
            }
            _ => to(room),
        };
        self.log.push(fact);
        post
    }

    /// Whether a client must, may or must not have got an entry.
    fn verdict(&self, guest: &Guest, position: u64) -> Verdict {
        let fact = &self.log[usize::try_from(position - 1).expect("small")];
        if position <= guest.after || fact.silent || fact.except.as_ref() == Some(&guest.id) {
            return Verdict::Never;
        }
        if fact.everyone || fact.rooms.iter().any(|room| *room == format!("u:{}", guest.person)) {
            return Verdict::Must;
        }
        let stays = fact.rooms.iter().flat_map(|room| {
            let room = ROOMS.iter().find(|known| *known == room);
            room.and_then(|room| self.stays.get(&(guest.person, *room))).into_iter().flatten()
        });
        let mut verdict = Verdict::Never;
        for stay in stays.filter(|stay| stay.from <= position && stay.to.is_none_or(|end| position <= end)) {
            match stay.to {
                None => return Verdict::Must,
                // It was over when the client came.
                Some(end) if end <= guest.came_at => {}
                Some(_) => verdict = Verdict::May,
            }
        }
        verdict
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Must,
    May,
    Never,
}

enum Line {
    WebSocket(Box<Client>),
    Polling(Polling),
}

/// A client and what it got.
struct Guest {
    person: &'static str,
    id: String,
    /// The position its stream starts after.
    after: u64,
    /// Head of the log when it came.
    came_at: u64,
    line: Line,
    got: Vec<u64>,
}

impl Guest {
    async fn come(house: &House, random: &mut Random, after: Option<u64>) -> Self {
        let person = random.of(&PEOPLE);
        let came_at = house.feed.head().get();
        let after = after.unwrap_or(came_at);
        if random.below(2) == 0 {
            let client = house.client_after(person, after).await;
            let id = client.id.clone();
            return Self {
                person,
                id,
                after,
                came_at,
                line: Line::WebSocket(Box::new(client)),
                got: Vec::new(),
            };
        }
        let polling = Polling::open(house.running.address).await;
        let cursor = house.feed.offset(after);
        polling.send(format!(r#"40{{"as":"{person}","cursor":"{cursor}"}}"#)).await;
        let mut guest =
            Self { person, id: String::new(), after, came_at, line: Line::Polling(polling), got: Vec::new() };
        while guest.id.is_empty() {
            guest.poll().await;
        }
        guest
    }

    /// One poll, if it is by polling.
    async fn poll(&mut self) {
        let Line::Polling(polling) = &self.line else { return };
        for packet in polling.poll().await {
            let Some(packet) = packet.strip_prefix('4') else { continue };
            if let Some(connect) = packet.strip_prefix('0') {
                let connect: serde_json::Value = serde_json::from_str(connect).expect("JSON");
                connect["sid"].as_str().expect("an id").clone_into(&mut self.id);
            } else if !packet.starts_with(r#"2["welcome","#) {
                self.got.push(position(packet));
            }
        }
    }

    /// Reads up to an entry that it must get.
    async fn read_until(&mut self, last: u64) {
        while self.got.last().is_none_or(|got| *got < last) {
            match &mut self.line {
                Line::WebSocket(client) => self.got.push(position(&client.next().await)),
                Line::Polling(_) => self.poll().await,
            }
        }
    }
}

async fn run(seed: u64) {
    let mut random = Random(seed);
    let workers = usize::try_from(1 + random.below(3)).expect("small");
    let ring_bytes_max = random.of(&[300, 10_000, 1 << 20]);
    let house = House::start_with(workers, ring_bytes_max, |namespace| namespace);
    let mut model = Model::default();
    let mut guests: Vec<Guest> = Vec::new();
    for _ in 0..60 {
        match random.below(8) {
            0 if guests.len() < 12 => guests.push(Guest::come(&house, &mut random, None).await),
            1 if guests.len() < 12 => {
                let after = random.below(house.feed.head().get() + 1);
                guests.push(Guest::come(&house, &mut random, Some(after)).await);
            }
            2 => {
                let place = usize::try_from(random.below(12)).expect("small");
                if let Some(guest) = guests.get_mut(place)
                    && matches!(guest.line, Line::Polling(_))
                {
                    // There is something to be answered with.
                    model.log.push(Fact {
                        everyone: true,
                        rooms: Vec::new(),
                        except: None,
                        moves: None,
                        silent: false,
                    });
                    house.publish([everyone()]);
                    guest.poll().await;
                }
            }
            _ => {
                let sockets: Vec<String> = guests.iter().map(|guest| guest.id.clone()).collect();
                let count = 1 + random.below(8);
                let posts: Vec<Post> = (0..count).map(|_| model.post(&mut random, &sockets)).collect();
                house.publish(posts);
            }
        }
    }
    let last = house.publish([everyone()]);
    model.log.push(Fact { everyone: true, rooms: Vec::new(), except: None, moves: None, silent: false });
    for guest in &mut guests {
        guest.read_until(last).await;
        let got = &guest.got;
        assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {got:?}");
        for position in 1..=last {
            let has = got.contains(&position);
            let fits = match model.verdict(guest, position) {
                Verdict::Must => has,
                Verdict::May => true,
                Verdict::Never => !has,
            };
            let (person, after) = (guest.person, guest.after);
            assert!(fits, "seed {seed}: {position} of {person} after {after}, who got {got:?}");
        }
    }
    drop(guests);
    house.running.server.shutdown().await;
}

#[tokio::test]
async fn everybody_sees_what_the_model_says() {
    for seed in 1..=40 {
        run(seed).await;
    }
}
