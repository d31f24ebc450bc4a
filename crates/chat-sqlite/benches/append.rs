//! What it costs to decide a batch and to have it on the disk, flush included.

use chat::{Directory, Limits, Log, Storage, decide};
use chat_sqlite::SqliteLog;
use divan::Bencher;

fn main() {
    divan::main();
}

/// Messages of 50 senders, as in `tidings-bench ingest`.
#[divan::bench(args = [1, 32, 512], sample_count = 20)]
fn append_a_batch(bencher: Bencher<'_, '_>, messages: usize) {
    let folder = tempfile::TempDir::new().expect("a folder can be made");
    let mut log = SqliteLog::open(folder.path()).expect("a log can be made in an empty folder");
    let mut number = 0_u64;
    bencher.counter(divan::counter::ItemsCount::new(messages)).bench_local(move || {
        let drafts: Vec<_> = (0..messages)
            .map(|_| {
                number += 1;
                let key = format!("sender{}-{}", number % 50, number / 50);
                chat::conformance::draft(
                    Some(chat::conformance::ADA),
                    Some(&key),
                    "a text of about the length that people write in a chat",
                )
            })
            .collect();
        let decided = decide(&mut log, &Directory::default(), Limits::default(), Storage::Open, &drafts)
            .expect("the log can be read");
        log.append(&decided.records).expect("the disk is not full");
    });
}
