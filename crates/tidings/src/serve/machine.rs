//! What the system says about the process and the disk, for monitors. What it does not say is left out.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use tidings::stats::{DiskStats, ProcessStats};

/// The process.
pub(super) fn process() -> ProcessStats {
    ProcessStats {
        resident_bytes: resident_bytes(),
        descriptors: descriptors(),
        descriptors_max: getrlimit(Resource::Nofile).current,
        cpu: time_of(ClockId::ProcessCPUTime),
        started: started(),
    }
}

/// The data folder, with the number of damaged rows in its log.
pub(super) fn disk(folder: &Path, damaged_rows: u64) -> DiskStats {
    let size = |name: &str| fs::metadata(folder.join(name)).ok().map(|file| file.len());
    let system = rustix::fs::statvfs(folder).ok();
    DiskStats {
        free_bytes: system.as_ref().map(|system| system.f_bavail.saturating_mul(system.f_frsize)),
        size_bytes: system.as_ref().map(|system| system.f_blocks.saturating_mul(system.f_frsize)),
        database_bytes: size(chat_sqlite::DATABASE),
        wal_bytes: size(&format!("{}-wal", chat_sqlite::DATABASE)),
        damaged_rows,
    }
}

/// What the process occupies, where the system says so in the manner of Linux.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn descriptors() -> Option<u64> {
    // The size is the number since Linux 6.2; before, it was 0, and the entries have to be counted.
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as u64),
        count => Some(count),
    }
}

fn time_of(clock: ClockId) -> Option<Duration> {
    let time = clock_gettime(clock);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Its folder in `/proc` is as old as the process.
fn started() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may have spaces; it ends with the last parenthesis. The time is the 22nd field.
    let ticks: u64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    let after_boot = Duration::from_micros(ticks * 1_000_000 / rustix::param::clock_ticks_per_second());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some((now + after_boot).saturating_sub(time_of(ClockId::Boottime)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_the_process() {
        let ProcessStats { resident_bytes, descriptors, descriptors_max, cpu, started } = process();
        assert!(resident_bytes.is_some_and(|bytes| bytes > 1_000_000));
        assert!(descriptors.is_some_and(|count| count >= 3 && Some(count) <= descriptors_max));
        assert!(cpu.is_some_and(|time| !time.is_zero()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(started.is_some_and(|at| at <= now && at + Duration::from_hours(1) > now), "{started:?}");
    }

    #[test]
    fn a_folder_without_a_chat_has_a_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let DiskStats { free_bytes, size_bytes, database_bytes, .. } = disk(folder.path(), 0);
        assert!(free_bytes.is_some() && free_bytes <= size_bytes);
        assert_eq!(database_bytes, None);
    }
}
