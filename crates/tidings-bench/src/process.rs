//! What a process costs, read from `/proc`, and which core it runs on.
//!
//! The server may be several processes, such as the workers of a cluster: its children count with it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

use rustix::thread::{CpuSet, Pid, sched_setaffinity};

/// Ticks of `/proc/PID/stat` in a second; fixed in the interface of Linux.
const TICKS_PER_SECOND: u64 = 100;
/// Where the fields behind the name begin, counted as proc(5) does.
const FIRST_FIELD: usize = 3;
const PARENT: usize = 4;
const USER_TIME: usize = 14;
const SYSTEM_TIME: usize = 15;

/// A process and its children.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    root: u32,
}

/// What a process has used so far, or holds now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: u64,
}

impl Tree {
    pub(crate) fn of(root: u32) -> Self {
        Self { root }
    }

    pub(crate) fn usage(self) -> io::Result<Usage> {
        let mut sum = Usage::default();
        for process in self.processes()? {
            // A child may have gone in the meantime.
            let Ok(fields) = stat(process) else { continue };
            sum.cpu += cpu(&fields);
            sum.memory_bytes += resident_bytes(process).unwrap_or(0);
        }
        Ok(sum)
    }

    /// Binds all threads to one core.
    pub(crate) fn pin(self, cpu: usize) -> io::Result<()> {
        for process in self.processes()? {
            for thread in fs::read_dir(format!("/proc/{process}/task"))? {
                let name = thread?.file_name();
                let id = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
                sched_setaffinity(id, &only(cpu))?;
            }
        }
        Ok(())
    }

    fn processes(self) -> io::Result<Vec<u32>> {
        // Fails early if the process is not there.
        stat(self.root)?;
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let Ok(fields) = stat(process) else { continue };
            let parent = u32::try_from(field(&fields, PARENT)).unwrap_or(0);
            children.entry(parent).or_default().push(process);
        }
        let mut tree = vec![self.root];
        let mut next = 0;
        while let Some(process) = tree.get(next) {
            tree.extend(children.remove(process).unwrap_or_default());
            next += 1;
        }
        Ok(tree)
    }
}

/// Processor time of this process, without its children.
pub(crate) fn own_cpu() -> io::Result<Duration> {
    Ok(cpu(&stat(std::process::id())?))
}

/// Binds the calling thread, and whatever it starts from now on, to one core.
pub(crate) fn pin_self(cpu: usize) -> io::Result<()> {
    Ok(sched_setaffinity(None, &only(cpu))?)
}

/// The cores that the calling thread may use.
pub(crate) fn own_cores() -> io::Result<CpuSet> {
    Ok(rustix::thread::sched_getaffinity(None)?)
}

/// Lets the calling thread use these cores again.
pub(crate) fn use_cores(cores: &CpuSet) -> io::Result<()> {
    Ok(sched_setaffinity(None, cores)?)
}

fn only(cpu: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(cpu);
    set
}

/// Memory that the kernel holds in small objects, sockets among them, for all of the machine.
pub(crate) fn kernel_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    kilobytes(&text, "Slab:")
}

fn resident_bytes(process: u32) -> Option<u64> {
    // Exact, unlike the counters of `stat` and `statm`, which lag behind by some pages of each thread.
    let exact = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
    let exact = exact.ok().and_then(|text| kilobytes(&text, "Rss:"));
    // Only root reads that of a process that forbids to be looked into, as Tidings does.
    exact.or_else(|| kilobytes(&fs::read_to_string(format!("/proc/{process}/status")).ok()?, "VmRSS:"))
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(number * 1_024)
}

/// The fields behind the name, which may contain anything.
fn stat(process: u32) -> io::Result<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = text.rsplit_once(") ").ok_or(io::ErrorKind::InvalidData)?;
    Ok(fields.split(' ').map(|field| field.trim().parse().unwrap_or(0)).collect())
}

fn cpu(fields: &[u64]) -> Duration {
    let ticks = field(fields, USER_TIME) + field(fields, SYSTEM_TIME);
    Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)
}

fn field(fields: &[u64], number: usize) -> u64 {
    fields.get(number - FIRST_FIELD).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_memory() {
        let usage = Tree::of(std::process::id()).usage().unwrap();
        assert!(usage.memory_bytes > 100_000, "{usage:?}");
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Tree::of(u32::MAX - 1).usage().is_err());
    }
}
