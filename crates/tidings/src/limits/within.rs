//! [`Bounds::within`]: the limits of a server that is to get by with so much memory.

use super::Bounds;
use crate::memory::Memory;
use crate::node::Settings;

impl Bounds {
    /// The defaults, but for the shares of the memory.
    pub fn within(memory: Memory) -> Self {
        let mut bounds = Self { node: Settings::within(memory), ..Self::default() };
        // It is told, and a limit of its own may change it.
        bounds.server.input_bytes_max = bounds.node.input_bytes_max;
        bounds.server.output_bytes_max = bounds.node.output_bytes_max;
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
