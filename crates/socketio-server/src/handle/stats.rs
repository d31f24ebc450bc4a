//! [`Io::stats`]: asks the workers, and adds what the server counts.

use std::time::Duration;

use tokio::sync::oneshot;

use super::command::Command;
use super::io::Io;
use crate::stats::{FeedStats, Stats};

/// A worker that takes longer is left out.
const CENSUS_TIME: Duration = Duration::from_secs(1);

impl Io {
    /// What the server has counted since its start, and what it has now. Each worker looks at its sessions for this, about
    /// 0.1 ms for 1,000 of them, so once in a few seconds is often enough.
    ///
    /// ```
    /// use socketio_server::{Namespace, Server, WorkerCount};
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().namespace(Namespace::new("/")).build()?;
    /// let stats = server.io().stats().await;
    /// let events: u64 = stats.workers.iter().map(|worker| worker.counts[WorkerCount::Events]).sum();
    /// assert_eq!(events, 0);
    /// # server.shutdown().await;
    /// # Ok(()) }
    /// ```
    pub async fn stats(&self) -> Stats {
        let ask = |mailbox: &super::mailbox::Mailbox| {
            let (reply, answer) = oneshot::channel();
            mailbox.post(Command::Census { reply });
            answer
        };
        // All are asked before the first answer is waited for.
        let asked: Vec<_> = self.reach.mailboxes.iter().map(|mailbox| ask(mailbox)).collect();
        let deadline = tokio::time::Instant::now() + CENSUS_TIME;
        let mut workers = Vec::with_capacity(asked.len());
        for (tallies, answer) in self.reach.tallies.iter().zip(asked) {
            let census = tokio::time::timeout_at(deadline, answer).await;
            workers.push(tallies.stats(census.ok().and_then(Result::ok)));
        }
        let mut feeds: Vec<FeedStats> =
            self.reach.feeds.iter().map(|(name, feed)| feed.stats(name)).collect();
        feeds.sort_by(|one, other| one.namespace.cmp(&other.namespace));
        let occupancy = self.reach.occupancy.stats();
        let output_bytes = self.reach.output.held() as u64;
        Stats { workers, door: self.reach.door.counts(), occupancy, output_bytes, feeds }
    }
}
