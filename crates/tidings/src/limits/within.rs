//! [`Bounds::within`]: the limits of a server that is to get by with so much memory.

use super::{Bounds, Change};
use crate::memory::Memory;
use crate::node::Settings;
use chat::Text;

/// The longest text, each byte of it escaped, and what is told with it: a page of history has one message at least.
const MESSAGE_BYTES_MAX: usize = 6 * Text::BYTES_MAX + 1_024;

/// The largest answer that has no limit of its own: changes, and a message.
pub(super) const OUTBOUND_BYTES_MIN: u64 = 512 << 10;

impl Bounds {
    /// The defaults, but for the shares of the memory.
    pub fn within(memory: Memory) -> Self {
        let mut bounds = Self { node: Settings::within(memory), ..Self::default() };
        // It is told, and a limit of its own may change it.
        bounds.server.input_bytes_max = bounds.node.input_bytes_max;
        bounds.server.output_bytes_max = bounds.node.output_bytes_max;
        bounds
    }

    /// The same with some changes.
    pub fn changed(memory: Memory, changes: &[Change]) -> Self {
        let mut bounds = Self::within(memory);
        let told = bounds.node.queue;
        for change in changes {
            change.apply(&mut bounds);
        }
        // Senders are asked to pause before their commands are turned away, as long before as without the changes.
        let queue = &mut bounds.node.queue;
        queue.hard_drafts = queue.soft_drafts + (told.hard_drafts - told.soft_drafts);
        queue.hard_bytes = queue.soft_bytes + (told.hard_bytes - told.soft_bytes);
        bounds
    }
}

/// What is wrong with some changes, if they do not go together.
pub fn fault(changes: &[Change]) -> Option<String> {
    let name = |change: &Change| change.limit.name;
    let twice = changes
        .iter()
        .enumerate()
        .find(|(at, change)| changes.iter().take(*at).any(|before| name(before) == name(change)));
    if let Some((_, change)) = twice {
        return Some(format!("the limit {} is given twice", name(change)));
    }
    let bounds = Bounds::changed(Memory::default(), changes);
    let outbound_bytes_min = bounds.node.history_bytes_max.saturating_add(MESSAGE_BYTES_MAX);
    (bounds.server.outbound_bytes_max < outbound_bytes_min).then(|| {
        format!(
            "with history-bytes={}, outbound-bytes needs at least {outbound_bytes_min}: a page of history would close the \
             connection that has asked for it",
            bounds.node.history_bytes_max
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_queue_still_asks_senders_to_pause_before_it_turns_commands_away() {
        let told = Bounds::within(Memory::default()).node.queue;
        assert_eq!(Bounds::changed(Memory::default(), &[]).node.queue, told);
        let changes = ["queue-commands=1000000", "queue-bytes=1000000000"].map(|text| text.parse().unwrap());
        let queue = Bounds::changed(Memory::default(), &changes).node.queue;
        assert_eq!((queue.soft_drafts, queue.soft_bytes), (1_000_000, 1_000_000_000));
        assert_eq!(queue.hard_drafts - queue.soft_drafts, told.hard_drafts - told.soft_drafts);
        assert_eq!(queue.hard_bytes - queue.soft_bytes, told.hard_bytes - told.soft_bytes);
    }

    #[test]
    fn limits_that_do_not_go_together_are_told_by_their_names() {
        let fault =
            |texts: &[&str]| fault(&texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>());
        assert_eq!(fault(&[]), None);
        assert_eq!(fault(&["requests=7", "history-bytes=1000000"]), None);
        assert_eq!(
            fault(&["requests=7", "rooms=1", "requests=7"]).unwrap(),
            "the limit requests is given twice"
        );
        let pages = fault(&["history-bytes=1000000", "outbound-bytes=1000000"]).unwrap();
        assert!(
            pages.starts_with("with history-bytes=1000000, outbound-bytes needs at least 1099328"),
            "{pages}"
        );
        assert!(fault(&["history-bytes=3000000"]).is_some(), "the default does not fit either");
        assert_eq!(fault(&["history-bytes=3000000", "outbound-bytes=4000000"]), None);
    }

    #[test]
    fn shares_of_the_memory_are_the_bounds_that_are_told() {
        let bounds = Bounds::within("48M".parse().unwrap());
        assert_eq!((bounds.server.input_bytes_max, bounds.node.ring_bytes_max), (16 << 20, 4 << 20));
        let input_bytes_max = Bounds::default().server.input_bytes_max;
        assert_eq!(Bounds::within(Memory::default()).server.input_bytes_max, input_bytes_max);
        let output_bytes_max = Bounds::default().server.output_bytes_max;
        assert_eq!(Bounds::within(Memory::default()).server.output_bytes_max, output_bytes_max);
    }
}
