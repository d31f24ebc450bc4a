//! [`Places`]: the connections of a small listener. There is a bounded number of them, and the oldest makes room for a new
//! one: who sends nothing keeps nobody out.

use std::collections::VecDeque;

use tokio::task::{AbortHandle, JoinSet};

/// Connections that are being answered. They end with it.
pub(crate) struct Places {
    connections: JoinSet<()>,
    /// The same, in the order in which they came.
    order: VecDeque<AbortHandle>,
    count_max: usize,
}

impl Places {
    /// For so many at a time.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { connections: JoinSet::new(), order: VecDeque::new(), count_max }
    }

    /// Takes one in. If that is one too many, the oldest one ends.
    pub(crate) fn take(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        while self.connections.try_join_next().is_some() {}
        if self.order.len() >= self.count_max {
            self.order.retain(|connection| !connection.is_finished());
        }
        if self.order.len() >= self.count_max
            && let Some(oldest) = self.order.pop_front()
        {
            oldest.abort();
        }
        self.order.push_back(self.connections.spawn(connection));
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
        let mut places = Places::new(2);
        let held = [(); 3].map(|()| Arc::new(()));
        let (done, ended) = oneshot::channel::<()>();
        places.take(async move { drop(done) });
        drop(ended.await);
        tokio::task::yield_now().await;
        for guard in &held {
            let guard = Arc::clone(guard);
            places.take(async move {
                pending::<()>().await;
                drop(guard);
            });
            tokio::task::yield_now().await;
        }
        assert_eq!(held.each_ref().map(Arc::strong_count), [1, 2, 2]);
    }
}
