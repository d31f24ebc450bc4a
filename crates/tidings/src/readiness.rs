//! [`Standing`]: whom the server serves while the log takes writes, and while it does not.
//!
//! Clients of `/v1` always stay: they can read, and what they send is answered or waits in their outbox. Clients of `/` throw
//! a message away after some sends, but keep it as long as they cannot join. So while the log takes no writes, or a commit
//! hangs, their connections are closed, and new ones wait at the door of the namespace. Knows the appender's health, the disk
//! and the server, and nothing of what is sent.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat::{Health, ReadOnly};
use socketio_server::Io;
use tokio::sync::Notify;

use crate::disk::{Access, DiskSpace, Look, Watermark};

/// How long a commit may take before clients of `/` are sent away. They throw a message away after four sends of ten
/// seconds each.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// How often that is looked at, and the disk.
const INTERVAL: Duration = Duration::from_millis(500);

/// The log stays read-only for so many looks at least, and is asked at every second one from then on. By the first one, all
/// clients of `/` are sent away.
const LOOKS_MIN: u32 = 4;

/// Whom the server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The clients of both namespaces, with all that they want.
    Full,
    /// Nothing is stored. Clients of `/v1` read.
    ReadOnly(ReadOnly),
    /// A commit hangs, or fails in a way that may pass. Clients of `/v1` read, and their commands wait.
    Stuck,
}

/// Whom the server serves now. Clones share it.
#[derive(Clone)]
pub struct Standing {
    sign: Arc<Sign>,
    health: Health,
    look: Look,
    watermark: Watermark,
}

/// What everybody reads who waits. They are called in the order in which they came, which a simulation can repeat.
struct Sign {
    service: Mutex<Service>,
    changed: Notify,
}

impl Standing {
    /// Of a server whose log has this health and is on that disk.
    pub fn new(health: Health, look: Look, watermark: Watermark) -> Self {
        let sign = Arc::new(Sign { service: Mutex::new(Service::Full), changed: Notify::new() });
        Self { sign, health, look, watermark }
    }

    /// Whom the server serves.
    pub fn service(&self) -> Service {
        self.sign.read()
    }

    /// The disk of the log, as far as it is known.
    pub fn space(&self) -> Option<DiskSpace> {
        (self.look)()
    }

    /// What a new client of `/` waits for, if it has to wait.
    pub fn door(&self) -> Option<impl Future<Output = ()> + use<>> {
        let is_open = self.service() == Service::Full && self.health.read_only().is_none();
        (!is_open).then(|| wait(Arc::clone(&self.sign), self.health.clone()))
    }

    /// Looks at the log and the disk, sends clients of `/` away while nothing can be stored, and asks `probe` to find out
    /// whether it can again. Never ends.
    pub async fn watch(&self, io: &Io, probe: impl Fn()) {
        let mut interval = tokio::time::interval(INTERVAL);
        let mut looks = 0_u32;
        loop {
            interval.tick().await;
            let space = self.space();
            self.look_at(space);
            let service = self.judge();
            // What the appender has found since counts for those who are told.
            self.change(service, self.space());
            if service == Service::Full {
                looks = 0;
                continue;
            }
            // Each time: somebody who was joining before may have come in since.
            if io.root().close_transports().is_err() {
                tracing::debug!("clients stay until the server is less busy");
            }
            looks = looks.saturating_add(1);
            let is_time = looks >= LOOKS_MIN && looks.is_multiple_of(2);
            if matches!(service, Service::ReadOnly(_)) && is_time && self.has_space(space) {
                probe();
            }
        }
    }

    /// The log is read-only before the disk is full.
    fn look_at(&self, space: Option<DiskSpace>) {
        let Some(DiskSpace { free, total, access }) = space else { return };
        if access == Access::ReadOnly {
            self.health.make_read_only(ReadOnly::Disk);
        } else if free < self.watermark.bytes(total) {
            self.health.make_read_only(ReadOnly::LowSpace);
        }
    }

    /// A disk that cannot be looked at may have space.
    fn has_space(&self, space: Option<DiskSpace>) -> bool {
        space.is_none_or(|DiskSpace { free, total, access }| {
            access == Access::ReadWrite && free >= self.watermark.bytes_again(total)
        })
    }

    /// The bytes that are free and those that are needed. `None` if it is not for lack of them, or not any more.
    fn shortage(&self, space: Option<DiskSpace>) -> Option<(u64, u64)> {
        let DiskSpace { free, total, access: _ } = space?;
        let needed = self.watermark.bytes_again(total);
        (free < needed).then_some((free, needed))
    }

    fn judge(&self) -> Service {
        let is_stuck = self.health.waiting(tokio::time::Instant::now().into_std()) > STUCK_AFTER;
        match self.health.read_only() {
            Some(why) => Service::ReadOnly(why),
            None if is_stuck => Service::Stuck,
            None => Service::Full,
        }
    }

    fn change(&self, service: Service, space: Option<DiskSpace>) {
        let before = self.sign.write(service);
        if before == service {
            return;
        }
        match service {
            Service::Full => tracing::warn!("messages are stored again"),
            Service::Stuck => {
                tracing::error!("the log cannot commit: clients of / wait outside until it can");
            }
            Service::ReadOnly(why) => {
                let (free_bytes, needed_bytes) = self.shortage(space).unzip();
                let remedy = match needed_bytes {
                    Some(_) => "make room on the disk of the data folder, until needed_bytes are free",
                    None => "look at the disk of the data folder",
                };
                tracing::error!(
                    reason = why.code(),
                    free_bytes,
                    needed_bytes,
                    "nothing is stored: {remedy}. Meanwhile people can read, and what they write waits on their devices"
                );
            }
        }
    }
}

impl Sign {
    fn read(&self) -> Service {
        *self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what it said before.
    fn write(&self, service: Service) -> Service {
        let mut written = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *written, service);
        drop(written);
        if before != service {
            self.changed.notify_waiters();
        }
        before
    }
}

async fn wait(sign: Arc<Sign>, health: Health) {
    loop {
        // Who is called from now on looks again.
        let mut changed = std::pin::pin!(sign.changed.notified());
        changed.as_mut().enable();
        if sign.read() == Service::Full && health.read_only().is_none() {
            return;
        }
        changed.await;
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("service", &self.service()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Instant;

    use chat::conformance::draft;
    use chat::{
        Appender, Committed, DirectoryHandle, Epoch, Fault, Limits, MemoryDisk, MemoryLog, QueueBounds,
        RollbackCause,
    };

    use super::*;

    const WATERMARK: Watermark = Watermark { percent: 10, mebibytes_min: 0, mebibytes_max: 1_000 };

    fn appender(disk: &MemoryDisk, clock: fn() -> Instant) -> Appender<()> {
        let mut log = MemoryLog::open(disk, Epoch(1));
        let directory = DirectoryHandle::load(&mut log).unwrap();
        let ports = chat::Ports {
            on_room: Box::new(|| ()),
            on_written: Box::new(|_| None),
            on_fatal: Box::new(|fatal| panic!("{fatal}")),
            clock: Box::new(clock),
        };
        let delivery = |batch: Committed<()>| assert_eq!(batch.entries, [], "nothing is stored");
        Appender::start(log, &directory, delivery, Limits::DEFAULT, QueueBounds::default(), ports).unwrap()
    }

    fn disk(free_mebibytes: u64) -> DiskSpace {
        DiskSpace { free: free_mebibytes << 20, total: 1_000 << 20, access: Access::ReadWrite }
    }

    #[test]
    fn a_batch_that_waits_for_long_leaves_the_server_stuck() {
        let disk = MemoryDisk::default();
        // They pass, as far as the clock of the appender says.
        for _ in 0..10_000 {
            disk.inject(Fault::RollBack(RollbackCause::Io));
        }
        let appender = appender(&disk, || Instant::now().checked_sub(2 * STUCK_AFTER).unwrap());
        let standing = Standing::new(appender.health().clone(), Arc::new(|| None), WATERMARK);
        assert_eq!(standing.judge(), Service::Full);
        appender.submit(draft(None, None, "hi"), ());
        while standing.judge() == Service::Full {
            std::thread::yield_now();
        }
        assert_eq!(standing.judge(), Service::Stuck);
        standing.change(Service::Stuck, None);
        assert!(standing.door().is_some(), "new clients of / wait");
    }

    #[test]
    fn the_log_is_read_only_below_the_watermark_and_may_be_asked_above_it() {
        let appender = appender(&MemoryDisk::default(), Instant::now);
        let standing = Standing::new(appender.health().clone(), Arc::new(|| None), WATERMARK);
        standing.look_at(None);
        standing.look_at(Some(disk(100)));
        assert_eq!(standing.judge(), Service::Full);
        assert!(standing.door().is_none());
        standing.look_at(Some(disk(99)));
        assert_eq!(standing.judge(), Service::ReadOnly(ReadOnly::LowSpace));
        assert!(standing.door().is_some(), "before anybody has looked");
        let read_only = DiskSpace { access: Access::ReadOnly, ..disk(900) };
        let may_be_asked = [Some(disk(100)), Some(disk(112)), Some(disk(113)), Some(read_only), None];
        assert_eq!(may_be_asked.map(|space| standing.has_space(space)), [false, false, true, false, true]);
    }

    #[test]
    fn the_space_that_is_told_explains_why_nothing_is_stored_or_is_left_out() {
        let appender = appender(&MemoryDisk::default(), Instant::now);
        let standing = |watermark| Standing::new(appender.health().clone(), Arc::new(|| None), watermark);
        let told = |watermark, free| standing(watermark).shortage(Some(disk(free)));
        assert_eq!(told(WATERMARK, 99), Some((99 << 20, 225 << 19)));
        assert_eq!(told(Watermark::OFF, 0), Some((0, 1 << 20)));
        assert_eq!(told(Watermark::OFF, 900), None, "it was full a moment ago");
        assert_eq!(standing(WATERMARK).shortage(None), None);
    }

    #[test]
    fn a_disk_that_was_mounted_read_only_is_noticed_before_anything_is_stored() {
        let appender = appender(&MemoryDisk::default(), Instant::now);
        let standing = Standing::new(appender.health().clone(), Arc::new(|| None), Watermark::OFF);
        standing.look_at(Some(disk(0)));
        assert_eq!(standing.judge(), Service::Full, "there is no watermark");
        standing.look_at(Some(DiskSpace { access: Access::ReadOnly, ..disk(900) }));
        assert_eq!(standing.judge(), Service::ReadOnly(ReadOnly::Disk));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_waits_at_the_door_until_a_write_has_worked() {
        let space = Arc::new(Mutex::new(disk(1)));
        let seen = Arc::clone(&space);
        let appender = appender(&MemoryDisk::default(), Instant::now);
        let look: Look = Arc::new(move || Some(*seen.lock().unwrap()));
        let standing = Standing::new(appender.health().clone(), look, WATERMARK);
        let server = socketio_server::Server::builder().namespace(socketio_server::Namespace::new("/"));
        let server = server.build().unwrap();
        let told = async {
            while !matches!(standing.service(), Service::ReadOnly(_)) {
                tokio::task::yield_now().await;
            }
            let door = standing.door().expect("the door is shut");
            *space.lock().unwrap() = disk(900);
            door.await;
        };
        tokio::select! {
            () = standing.watch(server.io(), || appender.probe()) => panic!("it never ends"),
            () = told => assert_eq!(standing.judge(), Service::Full),
        }
    }
}
