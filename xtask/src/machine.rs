//! Describes where and when a page of measurements was made.

use std::fs;
use std::process::Command;

/// Cores, memory and kernel.
pub(crate) fn description() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, it)| it));
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    let gibibytes = kilobytes.map_or(0, |kilobytes: u64| kilobytes >> 20);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    format!("{} cores of {}, {gibibytes} GiB, Linux {kernel}", cores, model.unwrap_or("an unknown make"))
}

/// Today's date.
pub(crate) fn today() -> String {
    output("date", &["-u", "+%Y-%m-%d"])
}

/// The commit that was measured.
pub(crate) fn revision() -> String {
    output("git", &["describe", "--always", "--dirty"])
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output
        .map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
