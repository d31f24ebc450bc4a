//! [`MemoryLimit`]: a control group of Linux in which a process may have so much memory, and is killed beyond it.

use std::fs;
use std::path::{Path, PathBuf};

/// Ends with its owner, if no process is in it any more.
pub(super) struct MemoryLimit(PathBuf);

impl MemoryLimit {
    /// Makes a group for `bytes`, with version 2 of control groups or with version 1. Only root may do this.
    pub(super) fn new(bytes: u64) -> Result<Self, String> {
        let name = format!("tidings-hardening-{}", std::process::id());
        let (parent, files): (&str, &[&str]) = if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            ("/sys/fs/cgroup", &["memory.max"])
        } else {
            ("/sys/fs/cgroup/memory", &["memory.limit_in_bytes"])
        };
        let group = Self(Path::new(parent).join(name));
        let told = |err: std::io::Error| {
            format!("{}: {err}: a limit of memory needs root and control groups", group.0.display())
        };
        fs::create_dir(&group.0).map_err(told)?;
        for file in files {
            fs::write(group.0.join(file), bytes.to_string()).map_err(told)?;
        }
        Ok(group)
    }

    /// Puts a process into it.
    pub(super) fn hold(&self, process: u32) -> Result<(), String> {
        let file = self.0.join("cgroup.procs");
        fs::write(&file, process.to_string()).map_err(|err| format!("{}: {err}", file.display()))
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // What cannot be removed has a process in it, and says nothing about the run.
        let _ = fs::remove_dir(&self.0);
    }
}

/// The most memory that a process has held since it began, or since [`forget_peak`].
pub(super) fn peak_bytes(process: u32) -> Result<u64, String> {
    let file = format!("/proc/{process}/status");
    let text = fs::read_to_string(&file).map_err(|err| format!("{file}: {err}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1_024).ok_or_else(|| format!("{file} has no peak"))
}

/// From now on, the peak is of what is still to come.
pub(super) fn forget_peak(process: u32) -> Result<(), String> {
    let file = format!("/proc/{process}/clear_refs");
    fs::write(&file, "5").map_err(|err| format!("{file}: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_bytes(std::process::id()).unwrap() > 100_000);
        assert!(peak_bytes(u32::MAX - 1).is_err());
    }
}
