//! [`Link`]: one connection over a bad network.
//!
//! ```text
//!  client ◄──► [ delay, slices, stall, cut, half-open, late bytes ] ◄──► server
//! ```
//!
//! Bytes keep their order and never change, as TCP guarantees. Everything else may go wrong.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::random::Random;
use crate::rates::LinkRates;

/// A fault of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Nothing gets through for a while.
    Stalled,
    /// Both ends learn of the end. Bytes on the way are lost, perhaps in the middle of a frame.
    Cut,
    /// The client is gone, and the server is not told.
    HalfOpen,
    /// The same, but the bytes that the client had sent arrive much later.
    Late(Duration),
}

/// Causes the faults of one connection.
#[derive(Debug)]
pub(crate) struct Link {
    mode: watch::Sender<Mode>,
    over: Cell<bool>,
    /// Set when the faults are over, for all connections at once: then nothing is delayed any more.
    calm: Rc<Cell<bool>>,
    /// Bytes that the client has sent and the server has not received.
    flight: RefCell<Vec<u8>>,
}

impl Link {
    /// Connects two ends. The connection is a task of this thread.
    pub(crate) fn between(
        client: DuplexStream,
        server: DuplexStream,
        rates: LinkRates,
        calm: &Rc<Cell<bool>>,
        mut random: Random,
    ) -> Rc<Self> {
        let link = Rc::new(Self {
            mode: watch::Sender::new(Mode::Open),
            over: Cell::new(false),
            calm: Rc::clone(calm),
            flight: RefCell::default(),
        });
        let own = Rc::clone(&link);
        // The task ends with the connection, or with the world.
        drop(tokio::task::spawn_local(async move {
            let (from_client, to_client) = tokio::io::split(client);
            let (from_server, to_server) = tokio::io::split(server);
            let ends = Ends { from_client, to_client, from_server, to_server };
            own.run(ends, &rates, &mut random).await;
            own.over.set(true);
        }));
        link
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
    }

    pub(crate) fn set(&self, mode: Mode) {
        let is_alive = matches!(*self.mode.borrow(), Mode::Open | Mode::Stalled);
        if is_alive {
            self.mode.send_replace(mode);
        }
    }

    async fn run(&self, mut ends: Ends, rates: &LinkRates, random: &mut Random) {
        let mut mode = self.mode.subscribe();
        let (mut down, mut up) = (random.fork(), random.fork());
        let regular = async {
            let up = self.pump_up(&mut ends.from_client, &mut ends.to_server, rates, &mut up);
            let down = self.pump_down(&mut ends.from_server, &mut ends.to_client, rates, &mut down);
            // When one direction ends, so does the other: no client here keeps half a connection.
            tokio::select! { biased; () = up => {}, () = down => {} }
        };
        let broken = mode.wait_for(|mode| !matches!(mode, Mode::Open | Mode::Stalled));
        let mode = tokio::select! {
            biased;
            mode = broken => mode.map_or(Mode::Cut, |mode| *mode),
            () = regular => return,
        };
        match mode {
            Mode::Open | Mode::Stalled | Mode::Cut => {}
            Mode::HalfOpen => {
                drop((ends.from_client, ends.to_client));
                std::future::pending::<()>().await;
            }
            Mode::Late(after) => {
                drop((ends.from_client, ends.to_client));
                tokio::time::sleep(after).await;
                let flight = self.flight.take();
                // The server may have closed it meanwhile.
                drop(ends.to_server.write_all(&flight).await);
                std::future::pending::<()>().await;
            }
        }
    }

    async fn pump_up(
        &self,
        from: &mut ReadHalf<DuplexStream>,
        to: &mut WriteHalf<DuplexStream>,
        rates: &LinkRates,
        random: &mut Random,
    ) {
        let mut buffer = vec![0; 8 << 10];
        loop {
            let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
            self.flight.borrow_mut().extend_from_slice(&buffer[..count]);
            self.pass(rates, random).await;
            loop {
                let slice = slice(self.flight.borrow().len(), rates, random);
                let piece = self.flight.borrow()[..slice].to_vec();
                if piece.is_empty() {
                    break;
                }
                if to.write_all(&piece).await.is_err() {
                    return;
                }
                self.flight.borrow_mut().drain(..slice);
                tokio::task::yield_now().await;
            }
        }
    }

    async fn pump_down(
        &self,
        from: &mut ReadHalf<DuplexStream>,
        to: &mut WriteHalf<DuplexStream>,
        rates: &LinkRates,
        random: &mut Random,
    ) {
        let mut buffer = vec![0; 8 << 10];
        loop {
            let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
            self.pass(rates, random).await;
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(slice(rest.len(), rates, random));
                if to.write_all(piece).await.is_err() {
                    return;
                }
                rest = later;
                tokio::task::yield_now().await;
            }
        }
    }

    async fn pass(&self, rates: &LinkRates, random: &mut Random) {
        let delay = random.around(rates.delay);
        let delay = if self.calm.get() { Duration::from_millis(1) } else { delay };
        tokio::time::sleep(delay).await;
        // In any other mode a link can only close, never open again.
        let mut mode = self.mode.subscribe();
        drop(mode.wait_for(|mode| *mode != Mode::Stalled).await);
    }
}

struct Ends {
    from_client: ReadHalf<DuplexStream>,
    to_client: WriteHalf<DuplexStream>,
    from_server: ReadHalf<DuplexStream>,
    to_server: WriteHalf<DuplexStream>,
}

/// How many of `length` bytes travel together. Large bursts are not cut into single bytes, which would test nothing
/// new.
fn slice(length: usize, rates: &LinkRates, random: &mut Random) -> usize {
    let most = rates.slice_bytes.max(length / 100).min(length);
    if most == 0 { 0 } else { random.index(most) + 1 }
}
