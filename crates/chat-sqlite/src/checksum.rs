//! The checksum of a row, which shows whether it was read as it was written.
//!
//! SQLite trusts the disk. A flipped bit in a text would be delivered as somebody's words, so each row has a hash of
//! all its columns (XXH3, against damage, not forgery).

use xxhash_rust::xxh3::Xxh3Default;

use crate::kind::Columns;

/// The columns of one row of `entry`, borrowed.
pub(crate) struct Row<'a> {
    pub(crate) position: i64,
    pub(crate) room: i64,
    pub(crate) seq: i64,
    pub(crate) rev: i64,
    pub(crate) at_ms: i64,
    /// The lineage itself: its short name is an affair of the tables.
    pub(crate) lineage: Option<&'a [u8]>,
    pub(crate) key: Option<&'a str>,
    pub(crate) content: &'a [u8],
    pub(crate) columns: &'a Columns<'a>,
    /// User, device and number of the command, of those who number theirs.
    pub(crate) device: Option<(i64, &'a [u8; 16], i64)>,
}

/// The columns of one row of `spent`, with its device.
pub(crate) struct Spent<'a> {
    pub(crate) user: i64,
    pub(crate) device: &'a [u8; 16],
    pub(crate) n: i64,
    pub(crate) result: i64,
    pub(crate) at_ms: i64,
    pub(crate) content: &'a [u8; 16],
    pub(crate) room: Option<i64>,
    pub(crate) more: Option<&'a [u8]>,
}

impl Spent<'_> {
    /// Every part has its length, so nothing stands between them.
    pub(crate) fn checksum(&self) -> i64 {
        let mut hash = Xxh3Default::new();
        for number in [self.user, self.n, self.result, self.at_ms] {
            hash.update(&number.to_le_bytes());
        }
        hash.update(self.device);
        hash.update(self.content);
        // Rows from before there were rooms keep the checksum that they have.
        if let Some(room) = self.room {
            hash.update(&room.to_le_bytes());
        }
        // And so do those from before there were runs. A room is 8 bytes, this is more.
        if let Some(more) = self.more {
            hash.update(b"+");
            hash.update(&(more.len() as u64).to_le_bytes());
            hash.update(more);
        }
        crate::number::bits_to_sql(hash.digest())
    }
}

impl Row<'_> {
    pub(crate) fn checksum(&self) -> i64 {
        let mut hash = Xxh3Default::new();
        for number in [self.position, self.room, self.seq, self.rev, self.columns.kind, self.at_ms] {
            hash.update(&number.to_le_bytes());
        }
        // A length before each string keeps neighbours apart, and an absent one is not an empty one.
        for bytes in [
            self.lineage,
            self.key.map(str::as_bytes),
            Some(self.content),
            Some(self.columns.text.as_bytes()),
        ] {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hash.update(&length.to_le_bytes());
            hash.update(bytes.unwrap_or_default());
        }
        // Rows from before there were devices keep the checksum that they have.
        if let Some((user, device, n)) = self.device {
            hash.update(&user.to_le_bytes());
            hash.update(device);
            hash.update(&n.to_le_bytes());
        }
        // And so do those from before there was anything but messages. A device is 32 bytes, this is 17.
        if self.columns.body.is_some() || self.columns.target.is_some() {
            hash.update(b"+");
            for number in [self.columns.body, self.columns.target] {
                hash.update(&number.unwrap_or(-1).to_le_bytes());
            }
        }
        crate::number::bits_to_sql(hash.digest())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    /// Nobody can change these: every row that was ever stored has such a number.
    #[test]
    fn rows_keep_the_checksums_that_they_were_stored_with() {
        let sum = |body, target, device| {
            let columns = Columns { kind: 1, body, target, text: Cow::Borrowed("hi") };
            let row = Row {
                position: 7,
                room: 1,
                seq: 5,
                rev: 6,
                at_ms: 1_700_000_000_000,
                lineage: None,
                key: Some("k-1"),
                content: &[3; 32],
                columns: &columns,
                device,
            };
            row.checksum()
        };
        let device = Some((4, &[9; 16], 2));
        assert_eq!(
            [
                sum(None, None, None),
                sum(None, None, device),
                sum(Some(1), None, device),
                sum(None, Some(3), device),
                sum(Some(1), Some(3), None),
            ],
            [
                5_621_051_517_283_497_125,
                6_898_617_719_249_613_259,
                -7_062_313_620_765_427_131,
                5_609_768_264_825_433_617,
                -5_636_668_108_670_154_735,
            ]
        );
        let spent = |room, more| {
            let (device, content) = (&[9; 16], &[3; 16]);
            Spent { user: 4, device, n: 2, result: 1, at_ms: 7, content, room, more }.checksum()
        };
        assert_eq!(
            [
                spent(None, None),
                spent(Some(1), None),
                spent(None, Some(&[0, 2, 1, 2, 3, 4])),
                spent(Some(1), Some(&[0]))
            ],
            [
                -3_165_889_246_535_448,
                -4_525_067_458_945_770_583,
                1_676_713_507_790_727_328,
                8_512_495_445_421_767_927
            ]
        );
    }
}
