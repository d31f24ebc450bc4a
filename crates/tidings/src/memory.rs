//! [`Memory`]: the budget of the process, and the shares of what may grow with what people do.
//!
//! Each share is the bound of one thing, which counts what it takes. The rest is for the program, for what it knows of people
//! and rooms, and for its connections.

use std::str::FromStr;

use thiserror::Error;

const MIB: usize = 1 << 20;

/// The memory that the server is to get by with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    bytes: usize,
}

/// The parts of a [`Memory`], in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The newest entries of each of the two namespaces, for slow and returning clients: a sixth for both.
    pub ring: usize,
    /// Unfinished input of all connections: a third.
    pub input: usize,
    /// Acks and events that wait for clients that read slowly: a twelfth.
    pub output: usize,
    /// Messages and commands that wait for the disk: five parts of 24.
    pub queue: usize,
    /// Pages of the database: an eighth.
    pub cache: usize,
}

/// A text that is no size of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give a size from 32M to 1024G, such as 192M or 1G")]
pub struct MemoryError;

impl Memory {
    /// The least that a server can do with.
    pub const LEAST: Self = Self { bytes: 32 * MIB };

    /// More than a machine has. The bounds that come of it can be added up.
    pub const MOST: Self = Self { bytes: (1 << 20) * MIB };

    /// Its shares.
    pub const fn shares(self) -> Shares {
        let part = self.bytes / 24;
        Shares { ring: 2 * part, input: 8 * part, output: 2 * part, queue: 5 * part, cache: 3 * part }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { bytes: 192 * MIB }
    }
}

impl FromStr for Memory {
    type Err = MemoryError;

    /// Reads a number with `K`, `M` or `G`, as in `192M`, `192MB` or `192MiB`; without one it is bytes.
    fn from_str(text: &str) -> Result<Self, MemoryError> {
        let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let scale = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            _ => return Err(MemoryError),
        };
        let number: usize = number.parse().map_err(|_| MemoryError)?;
        let bytes = number.checked_mul(1 << scale).ok_or(MemoryError)?;
        let accepted = Self::LEAST.bytes..=Self::MOST.bytes;
        if accepted.contains(&bytes) { Ok(Self { bytes }) } else { Err(MemoryError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_is_bytes() {
        for text in ["192M", "192m", "192MB", "192 MiB", "201326592", "196608k"] {
            assert_eq!(text.parse(), Ok(Memory::default()), "{text}");
        }
        assert_eq!("1G".parse(), Ok(Memory { bytes: 1024 * MIB }));
        assert_eq!(["32M", "1024G"].map(str::parse), [Ok(Memory::LEAST), Ok(Memory::MOST)]);
    }

    #[test]
    fn what_is_no_size_or_too_small_is_refused() {
        for text in ["", "M", "-1M", "1.5G", "192X", "many", "192", "31M", "1025G", "99999999999999999999G"] {
            assert_eq!(text.parse::<Memory>(), Err(MemoryError), "{text}");
        }
        assert!(MemoryError.to_string().contains("such as 192M"));
    }

    #[test]
    fn the_shares_leave_something_for_everything_else() {
        let Shares { ring, input, output, queue, cache } = Memory::default().shares();
        assert_eq!([ring, input, output, queue, cache].map(|bytes| bytes / MIB), [16, 64, 16, 40, 24]);
        assert_eq!(192 * MIB - 2 * ring - input - output - queue - cache, 16 * MIB);
    }
}
