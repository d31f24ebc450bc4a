//! [`Connecting`]: the state machine of a client that joins a namespace, recovered or not. Events in, actions out.
//!
//! ```text
//!  CONNECT ─► evict the ghost ─► middleware ─► remember ─► gather what was missed ─► arrive   (recovered)
//!         └──────────────────► middleware ─► ask for the start ─► locate ──────────► arrive
//! ```
//!
//! A client that has seen more on another node waits, after middleware, until the feed here has caught up. Then it
//! continues as if it had come then. If that takes too long, its connection is closed: it never goes back.
//!
//! If a private id names a user, the middleware runs first: a stranger's claim ends no session.
//!
//! It owns the order of the steps, the decisions between them, and the bound on missed events. It knows no session,
//! socket, clock or randomness: [`connect`](super::connect) carries the actions out and reports the results.

use socketio::{Lineage, SocketId};

use super::missed::{Missed, MissedMax};
use super::recovery::{Claim, Past};
use crate::feed::{
    Anchor, CursorAt, FeedEntry, FeedPlace, FeedPosition, HistoryError, HistoryPage, PageStart, Parked,
    Resume,
};
use crate::frame::Frame;
use crate::handle::connect::{FeedJoin, Start};
use crate::planted::{self, Bug};
use crate::socket_data::SocketData;
use crate::user_tag::UserTag;

/// What the namespace offers to joining sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    NoFeed,
    Feed {
        resume: Resume,
        has_history: bool,
        /// Other nodes append to the same log.
        is_shared: bool,
        missed_max: MissedMax,
    },
}

/// A result that is reported to the machine.
#[derive(Debug)]
pub(super) enum Event {
    /// The old session has ended on all workers.
    Evicted,
    /// The middleware has accepted the client, as this user if it named one.
    Decided { user: Option<UserTag> },
    /// The rooms and data of the claimed socket, if they exist.
    Remembered(Option<Parked>),
    /// What the ring has after the requested position; `None` if that is no longer in it.
    Gathered { page: Option<Vec<(FeedPosition, FeedEntry)>>, applied: FeedPosition },
    /// The answer of the history.
    Read(Result<HistoryPage, HistoryError>),
    /// The application has said where the socket starts; `past` is how the client's claims fit the feed.
    Asked { socket: SocketId, join: FeedJoin, past: Past },
    /// The position of the anchor in the ring, if it knows.
    Located(Option<FeedPosition>),
    /// The feed has reached the place that was waited for.
    Reached,
    /// The feed has not reached it in time, or too many wait.
    OutOfReach,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Action {
    /// Nothing, until an event arrives.
    Wait,
    /// End the session with this socket, on all workers; answered by [`Event::Evicted`].
    Evict(SocketId),
    /// Run the middleware; answered by [`Event::Decided`].
    Decide,
    /// Find the rooms and data that this socket had; answered by [`Event::Remembered`].
    Remember(SocketId),
    /// Take from the ring what comes after a position and was delivered here; answered by [`Event::Gathered`].
    Gather { after: FeedPosition },
    /// Request a page from the history; answered by [`Event::Read`].
    Read { from: PageStart, entries_max: usize, bytes_max: usize },
    /// Ask the application where the socket starts, with its data if there are any; answered by [`Event::Asked`].
    Ask { data: Option<SocketData> },
    /// Look for the anchor in the ring; answered by [`Event::Located`].
    Locate { anchor: Anchor },
    /// Wait until the feed has reached a place; answered by [`Event::Reached`] or [`Event::OutOfReach`].
    Await(FeedPlace),
    /// The cut: let the socket join.
    Arrive(Arrival),
    /// Close the connection.
    Close,
}

/// How a socket joins.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A namespace without a feed.
    Plain,
    /// At a place in the feed.
    Anew { socket: SocketId, start: Start, lineage: Option<Lineage>, greeting: Vec<Frame> },
    /// With everything that it missed.
    Recovered { claim: Claim, missed: Missed },
}

#[derive(Debug)]
pub(super) struct Connecting {
    terms: Terms,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The old session is being ended, before the middleware runs.
    Evicting(Claim),
    /// The middleware runs. The old session has ended, unless the claim names a user.
    Deciding(Option<Claim>),
    /// The old session of a user whom the middleware named is being ended.
    Admitted(Claim),
    /// The rooms and data of the socket are being looked up.
    Remembering(Claim),
    /// Missed events are being read, up to what was delivered.
    Recovering(Claim, Missed),
    /// The application is being asked for the start.
    Asking { lineage: Option<Lineage> },
    /// The start is being looked up, in the ring and then in the history.
    Locating { socket: SocketId, join: FeedJoin },
    /// The feed catches up with what the client has seen on another node.
    Awaiting(Then),
    /// The machine is finished.
    Over,
}

/// How a client continues after it has waited for the feed.
#[derive(Debug)]
enum Then {
    /// It returns to its socket, with which it has seen everything up to this position.
    Remember(Claim, FeedPosition),
    /// It asks the application.
    Ask { lineage: Option<Lineage> },
    /// It looks for the anchor. The anchor is a number without an epoch, perhaps from history that no longer exists, so
    /// a client that waited in vain starts all the same.
    Locate { socket: SocketId, join: FeedJoin, anchor: Anchor },
}

impl Connecting {
    /// Begins with a CONNECT packet and its claim.
    pub(super) fn begin(terms: Terms, claim: Option<Claim>) -> (Self, Action) {
        let (stage, action) = match claim {
            Some(claim) if claim.user.is_none() => {
                let socket = claim.id.socket;
                (Stage::Evicting(claim), Action::Evict(socket))
            }
            claim => (Stage::Deciding(claim), Action::Decide),
        };
        (Self { terms, stage }, action)
    }

    /// Whether the client claims a socket of somebody else, if it is this user.
    pub(super) fn claims_of_others(&self, user: Option<UserTag>) -> bool {
        matches!(&self.stage, Stage::Deciding(Some(claim)) if claim.user != user)
    }

    /// The action after an event. An event that nobody waits for changes nothing.
    pub(super) fn on(&mut self, event: Event) -> Action {
        match (std::mem::replace(&mut self.stage, Stage::Over), event) {
            (Stage::Evicting(claim), Event::Evicted) => {
                self.wait(Stage::Deciding(Some(claim)), Action::Decide)
            }
            (Stage::Deciding(claim), Event::Decided { user }) => self.decided(claim, user),
            (Stage::Admitted(claim), Event::Evicted) => self.remember(claim),
            (Stage::Remembering(claim), Event::Remembered(parked)) => self.remembered(claim, parked),
            (Stage::Recovering(claim, missed), Event::Gathered { page, applied }) => {
                self.gathered(claim, missed, page, applied)
            }
            (Stage::Recovering(claim, missed), Event::Read(page)) => self.read(claim, missed, page),
            (Stage::Asking { lineage }, Event::Asked { socket, join, past }) => {
                self.asked(lineage, socket, join, past)
            }
            (Stage::Locating { socket, join }, Event::Located(position)) => {
                self.located(socket, join, position)
            }
            (Stage::Locating { socket, join }, Event::Read(Ok(page))) => {
                start(socket, FeedJoin { start: Start::After(page.after), ..join })
            }
            (Stage::Awaiting(then), Event::Reached) => self.reached(then),
            (Stage::Awaiting(Then::Locate { socket, join, anchor }), Event::OutOfReach) => {
                self.wait(Stage::Locating { socket, join }, Action::Locate { anchor })
            }
            (Stage::Awaiting(_), Event::OutOfReach) | (_, Event::Read(Err(HistoryError))) => Action::Close,
            (stage, _) => self.wait(stage, Action::Wait),
        }
    }

    fn wait(&mut self, stage: Stage, action: Action) -> Action {
        self.stage = stage;
        action
    }

    fn decided(&mut self, claim: Option<Claim>, user: Option<UserTag>) -> Action {
        match (self.terms, claim) {
            (Terms::NoFeed, _) => Action::Arrive(Arrival::Plain),
            (Terms::Feed { .. }, Some(claim)) if claim.user != user => self.ask(None, None),
            (Terms::Feed { .. }, Some(claim)) if user.is_none() => self.remember(claim),
            (Terms::Feed { .. }, Some(claim)) => {
                let socket = claim.id.socket;
                self.wait(Stage::Admitted(claim), Action::Evict(socket))
            }
            (Terms::Feed { .. }, None) => self.ask(None, None),
        }
    }

    /// The client may return to its socket.
    fn remember(&mut self, claim: Claim) -> Action {
        if let CursorAt::Ahead(position) = claim.seen {
            return self.await_feed(Then::Remember(claim, position), FeedPlace::Position(position));
        }
        let socket = claim.id.socket;
        self.wait(Stage::Remembering(claim), Action::Remember(socket))
    }

    fn remembered(&mut self, claim: Claim, parked: Option<Parked>) -> Action {
        match (claim.seen, parked) {
            (CursorAt::Known(after), Some(parked)) => {
                self.wait(Stage::Recovering(claim, Missed::after(after, parked)), Action::Gather { after })
            }
            (_, parked) => self.ask(Some(claim.id.lineage), parked.map(|parked| parked.data)),
        }
    }

    fn await_feed(&mut self, then: Then, place: FeedPlace) -> Action {
        self.wait(Stage::Awaiting(then), Action::Await(place))
    }

    /// The feed has everything that the client has seen.
    fn reached(&mut self, then: Then) -> Action {
        match then {
            Then::Remember(claim, position) => {
                self.remember(Claim { seen: CursorAt::Known(position), ..claim })
            }
            Then::Ask { lineage } => self.ask(lineage, None),
            Then::Locate { socket, join, anchor } => {
                self.wait(Stage::Locating { socket, join }, Action::Locate { anchor })
            }
        }
    }

    fn gathered(
        &mut self,
        claim: Claim,
        mut missed: Missed,
        page: Option<Vec<(FeedPosition, FeedEntry)>>,
        applied: FeedPosition,
    ) -> Action {
        let Terms::Feed { has_history, missed_max, .. } = self.terms else { return Action::Close };
        match page {
            Some(page) => {
                missed.take(page, &claim.id.socket);
                if missed.is_within(missed_max) && missed.after >= applied {
                    return Action::Arrive(Arrival::Recovered { claim, missed });
                }
            }
            None if has_history && missed.is_within(missed_max) => {
                // One entry over the limit is enough to know.
                let MissedMax { entries, bytes } = missed_max;
                let from = PageStart::After(missed.after);
                let read = Action::Read {
                    from,
                    entries_max: entries.saturating_add(1),
                    bytes_max: bytes.saturating_add(1),
                };
                return self.wait(Stage::Recovering(claim, missed), read);
            }
            None => {}
        }
        self.ask(Some(claim.id.lineage), None)
    }

    fn read(&mut self, claim: Claim, mut missed: Missed, page: Result<HistoryPage, HistoryError>) -> Action {
        match page {
            Ok(page) if page.after == missed.after && !page.entries.is_empty() => {
                missed.take((page.after + 1).onward().zip(page.entries).collect(), &claim.id.socket);
                let after = missed.after;
                self.wait(Stage::Recovering(claim, missed), Action::Gather { after })
            }
            Ok(_) | Err(HistoryError) => Action::Close,
        }
    }

    /// The socket is not recovered; the application decides where it starts.
    fn ask(&mut self, lineage: Option<Lineage>, data: Option<SocketData>) -> Action {
        self.wait(Stage::Asking { lineage }, Action::Ask { data })
    }

    fn asked(
        &mut self,
        lineage: Option<Lineage>,
        socket: SocketId,
        mut join: FeedJoin,
        past: Past,
    ) -> Action {
        join.lineage = lineage.filter(|_| !planted::is(Bug::ForgetsLineage)).or(join.lineage);
        if matches!(self.terms, Terms::Feed { resume: Resume::Recovery, has_history: true, .. })
            && join.start != Start::Now
        {
            match past {
                Past::Shared => {}
                Past::Ahead(position) => join.start = Start::Ahead(position),
                // Its numbers may belong to other entries, so none of them means anything here.
                Past::Other => join.start = Start::After(FeedPosition::START),
            }
        }
        match join.start {
            Start::Ahead(position) => self.await_feed(Then::Ask { lineage }, FeedPlace::Position(position)),
            Start::Anchor(anchor) if matches!(self.terms, Terms::Feed { is_shared: true, .. }) => {
                self.await_feed(Then::Locate { socket, join, anchor }, FeedPlace::Anchor(anchor))
            }
            Start::Anchor(anchor) => self.wait(Stage::Locating { socket, join }, Action::Locate { anchor }),
            Start::Now | Start::After(_) => start(socket, join),
        }
    }

    fn located(&mut self, socket: SocketId, join: FeedJoin, position: Option<FeedPosition>) -> Action {
        match (position, join.start, self.terms) {
            (Some(position), ..) => start(socket, FeedJoin { start: Start::After(position), ..join }),
            (None, Start::Anchor(anchor), Terms::Feed { has_history: true, .. }) => {
                let read = Action::Read { from: PageStart::Anchor(anchor), entries_max: 1, bytes_max: 1 };
                self.wait(Stage::Locating { socket, join }, read)
            }
            (None, ..) => start(socket, FeedJoin { start: Start::Now, ..join }),
        }
    }
}

fn start(socket: SocketId, join: FeedJoin) -> Action {
    let FeedJoin { start, lineage, greeting } = join;
    Action::Arrive(Arrival::Anew { socket, start, lineage, greeting })
}

#[cfg(test)]
mod tests;
