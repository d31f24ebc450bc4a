//! [`Spell`]: for a while, the disk is full, or takes no writes.

use std::time::Duration;

use chat::RollbackCause;
use tidings::disk::{Access, DiskSpace};

use crate::random::Random;

/// Tells what is drawn here from all else.
const FULL: u64 = 0x0066_756c_6c21;

const TOTAL: u64 = 1 << 30;

/// A time without space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    begin: Duration,
    end: Duration,
    want: Want,
}

/// What the disk lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// There is little space left, and what is written is stored.
    Low,
    /// There is none.
    Full,
    /// There is none, and nobody who looks sees it: a quota, or a thin disk.
    Unseen,
    /// It is mounted for reading alone.
    ReadOnly,
}

impl Spell {
    /// Those of a world that is hostile for so long.
    pub(crate) fn draw(seed: u64, hostile: Duration) -> Vec<Self> {
        let mut random = Random::new(seed ^ FULL);
        let mut spells = Vec::new();
        if !random.chance(400) {
            return spells;
        }
        let pause_max = random.pick(&[5_000, 20_000, 60_000]);
        let length_max = random.pick(&[100, 3_000, 15_000]);
        let mut begin = random.millis(0, pause_max);
        while begin < hostile {
            let end = begin + random.millis(1, length_max);
            let want = random.pick(&[Want::Low, Want::Full, Want::Unseen, Want::ReadOnly]);
            spells.push(Self { begin, end, want });
            begin = end + random.millis(1, pause_max);
        }
        spells
    }

    /// What is lacking now.
    pub(crate) fn at(spells: &[Self], since_start: Duration) -> Option<Want> {
        spells.iter().find(|spell| (spell.begin..spell.end).contains(&since_start)).map(|spell| spell.want)
    }
}

impl Want {
    /// Why a batch is not stored.
    pub(crate) fn refuses(self) -> Option<RollbackCause> {
        match self {
            Self::Low => None,
            Self::Full | Self::Unseen => Some(RollbackCause::Full),
            Self::ReadOnly => Some(RollbackCause::ReadOnly),
        }
    }

    /// What a look at the disk finds.
    pub(crate) fn space(want: Option<Self>) -> DiskSpace {
        let free = match want {
            Some(Self::Low) => TOTAL / 100,
            Some(Self::Full) => 0,
            Some(Self::Unseen | Self::ReadOnly) | None => TOTAL / 2,
        };
        let access = if want == Some(Self::ReadOnly) { Access::ReadOnly } else { Access::ReadWrite };
        DiskSpace { free, total: TOTAL, access }
    }
}
