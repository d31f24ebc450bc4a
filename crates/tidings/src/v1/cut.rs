//! How much of a page of history goes into one answer.
//!
//! A page is requested as a number of messages, and messages can be large. Messages furthest from the start of the page
//! are left out, and the client asks again. At least one message stays, or nobody would ever get past it.

use std::collections::VecDeque;

use chat::{Page, Seq};
use serde_json::value::RawValue;

/// A message as it stands on the wire.
pub(super) struct Row {
    pub(super) seq: Seq,
    pub(super) json: Box<RawValue>,
}

/// The part of a page that fits.
pub(super) struct Cut {
    pub(super) rows: VecDeque<Row>,
    /// How many were left out at the beginning.
    pub(super) before: usize,
    /// How many were left out at the end.
    pub(super) after: usize,
}

/// One end of a page.
enum End {
    Front,
    Back,
}

impl Cut {
    /// Cuts a page down to so many bytes.
    pub(super) fn of(rows: VecDeque<Row>, page: Page, bytes_max: usize) -> Self {
        let mut bytes: usize = rows.iter().map(Row::bytes).sum();
        let mut cut = Self { rows, before: 0, after: 0 };
        while bytes > bytes_max && cut.rows.len() > 1 {
            let left_out = match cut.furthest(page) {
                End::Front => {
                    cut.before += 1;
                    cut.rows.pop_front()
                }
                End::Back => {
                    cut.after += 1;
                    cut.rows.pop_back()
                }
            };
            bytes -= left_out.map_or(0, |row| row.bytes());
        }
        cut
    }

    fn furthest(&self, page: Page) -> End {
        match page {
            Page::Newest | Page::Before(_) => End::Front,
            Page::After(_) => End::Back,
            Page::Around(middle) => {
                let below = self.rows.partition_point(|row| row.seq < middle);
                if below * 2 >= self.rows.len() { End::Front } else { End::Back }
            }
        }
    }
}

impl Row {
    fn bytes(&self) -> usize {
        self.json.get().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows 1 to `count`, ten bytes each.
    fn rows(count: u64) -> VecDeque<Row> {
        let json = || serde_json::value::to_raw_value("12345678").unwrap();
        (1..=count).map(|seq| Row { seq: Seq(seq), json: json() }).collect()
    }

    fn check(count: u64, page: Page, bytes_max: usize, kept: std::ops::RangeInclusive<u64>) {
        let cut = Cut::of(rows(count), page, bytes_max);
        let left = cut.rows.iter().map(|row| row.seq.0).collect::<Vec<_>>();
        assert_eq!(left, kept.clone().collect::<Vec<_>>(), "{page:?}");
        assert_eq!((cut.before as u64, cut.after as u64), (kept.start() - 1, count - kept.end()), "{page:?}");
    }

    #[test]
    fn a_page_that_fits_stays_whole() {
        check(10, Page::Newest, 100, 1..=10);
    }

    #[test]
    fn messages_furthest_from_the_requested_one_are_left_out() {
        check(10, Page::Newest, 45, 7..=10);
        check(10, Page::Before(Seq(11)), 45, 7..=10);
        check(10, Page::After(Seq(0)), 45, 1..=4);
        check(11, Page::Around(Seq(6)), 50, 4..=8);
        check(10, Page::Around(Seq(1)), 45, 1..=4);
        check(10, Page::Around(Seq(10)), 30, 8..=10);
    }

    #[test]
    fn one_message_always_stays() {
        check(10, Page::Newest, 1, 10..=10);
        check(10, Page::After(Seq(0)), 1, 1..=1);
        check(11, Page::Around(Seq(6)), 1, 6..=6);
    }
}
