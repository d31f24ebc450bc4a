//! [`Places`]: the connections of a small listener. There is a bounded number of them, and the oldest one of the address that
//! has most makes room for a new one: who sends nothing keeps nobody out, and neither does who comes again and again.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use socketio_server::Network;
use tokio::task::{AbortHandle, JoinSet};

/// Connections that are being answered. They end with it.
pub(crate) struct Places {
    connections: JoinSet<()>,
    /// The same, in the order in which they came.
    order: VecDeque<(Network, AbortHandle)>,
    count_max: usize,
}

impl Places {
    /// For so many at a time.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { connections: JoinSet::new(), order: VecDeque::new(), count_max }
    }

    /// Takes one in from an address. If that is one too many, one of the address that has most ends.
    pub(crate) fn take(&mut self, from: IpAddr, connection: impl Future<Output = ()> + Send + 'static) {
        while self.connections.try_join_next().is_some() {}
        if self.order.len() >= self.count_max {
            self.order.retain(|(_, connection)| !connection.is_finished());
        }
        let network = Network::from(from);
        if self.order.len() >= self.count_max
            && let Some((_, leaving)) = self.order.remove(self.most_crowded(network))
        {
            leaving.abort();
        }
        self.order.push_back((network, self.connections.spawn(connection)));
    }

    /// Which one has to go so that one of this address can come: the oldest one of those who would have most.
    fn most_crowded(&self, coming: Network) -> usize {
        let mut counts = HashMap::from([(coming, 1)]);
        for (network, _) in &self.order {
            *counts.entry(*network).or_default() += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        self.order.iter().position(|(network, _)| counts.get(network) == Some(&most)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn the_oldest_connection_makes_room_and_one_that_has_ended_needs_none() {
        let (mut places, from) = (Places::new(2), IpAddr::from([192, 0, 2, 1]));
        let held = [(); 3].map(|()| Arc::new(()));
        let (done, ended) = oneshot::channel::<()>();
        places.take(from, async move { drop(done) });
        drop(ended.await);
        tokio::task::yield_now().await;
        for guard in &held {
            let guard = Arc::clone(guard);
            places.take(from, async move {
                pending::<()>().await;
                drop(guard);
            });
            tokio::task::yield_now().await;
        }
        assert_eq!(held.each_ref().map(Arc::strong_count), [1, 2, 2]);
    }

    #[tokio::test]
    async fn an_address_that_comes_again_and_again_shows_out_its_own_and_nobody_elses() {
        let mut places = Places::new(4);
        let mut held = Vec::new();
        let mut come = |host: u8| {
            let guard = Arc::new(());
            held.push(Arc::downgrade(&guard));
            places.take(IpAddr::from([192, 0, 2, host]), async move {
                pending::<()>().await;
                drop(guard);
            });
        };
        for host in [1, 2, 9, 9, 9, 9, 9, 9, 3] {
            come(host);
            tokio::task::yield_now().await;
        }
        let stay: Vec<_> = held.iter().map(|guard| guard.strong_count() > 0).collect();
        assert_eq!(stay, [true, true, false, false, false, false, false, true, true]);
    }
}
