//! [`Misfits`]: counts events that do not fit their handlers, and logs each kind once.
//!
//! A client that sends such an event waits for an ack that never comes, so the operator should know. But a client can
//! send any number of them, so each pair of namespace and event is logged once, up to a bound. The content is not
//! logged: it may be anything.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::handle::handler::CallError;

/// How many pairs of namespace and event are logged. Clients can invent names, so further ones are only counted.
const LOGGED_MAX: usize = 256;

#[derive(Default)]
pub(crate) struct Misfits {
    count: AtomicU64,
    logged: Mutex<Logged>,
}

#[derive(Default)]
struct Logged {
    events: HashMap<Box<str>, HashSet<Box<str>>>,
    count: usize,
}

impl Misfits {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, namespace: &str, event: &str, error: &CallError) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.is_new(namespace, event) {
            let problem = match error {
                CallError::Args(_) => "the arguments are of other types".to_owned(),
                CallError::Auth(_) => "auth is of another type".to_owned(),
                CallError::Missing(what) => format!("there is no {what}"),
            };
            tracing::warn!(
                namespace,
                event,
                problem,
                "a handler does not fit its event and is not run; further such events are only counted"
            );
        }
    }

    fn is_new(&self, namespace: &str, event: &str) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = logged.events.get(namespace).is_some_and(|events| events.contains(event));
        if is_known || logged.count >= LOGGED_MAX {
            return false;
        }
        logged.count += 1;
        logged.events.entry(namespace.into()).or_default().insert(event.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Write as _};
    use std::sync::Arc;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;

    /// What has been logged, a line each.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            assert_eq!(*event.metadata().level(), Level::WARN);
            let mut line = Line(String::new());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    fn error() -> CallError {
        CallError::Auth(serde_json::from_str::<u8>("\"secret\"").unwrap_err())
    }

    #[test]
    fn each_event_is_logged_once_without_what_was_sent_and_counted_each_time() {
        let lines = Lines::default();
        let misfits = Misfits::default();
        tracing::subscriber::with_default(lines.clone(), || {
            for event in ["add", "add", "say", "add"] {
                misfits.note("/", event, &error());
            }
            misfits.note("/chat", "add", &CallError::Missing("state of this type"));
        });
        assert_eq!(misfits.count(), 5);
        let lines = lines.0.lock().unwrap();
        let told: Vec<bool> = ["add", "say", "add"]
            .iter()
            .zip(lines.iter())
            .map(|(event, line)| line.contains(&format!("event=\"{event}\"")) && !line.contains("secret"))
            .collect();
        assert_eq!((told, lines.len()), (vec![true; 3], 3), "{lines:?}");
        assert!(lines[2].contains("there is no state of this type"), "{lines:?}");
    }

    #[test]
    fn names_that_clients_make_up_fill_no_memory() {
        let misfits = Misfits::default();
        // Listened to as well: what is not listened to when it is first told may be told to nobody afterwards.
        tracing::subscriber::with_default(Lines::default(), || {
            for number in 0..LOGGED_MAX * 2 {
                misfits.note("/", &number.to_string(), &error());
            }
        });
        assert_eq!(misfits.logged.lock().unwrap().events["/"].len(), LOGGED_MAX);
        assert_eq!(misfits.count(), LOGGED_MAX as u64 * 2);
    }
}
