//! Which node of the world something belongs to.

/// The number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeNumber(pub(crate) usize);

impl NodeNumber {
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const OTHER: Self = Self(1);
    pub(crate) const COUNT_MAX: usize = 2;
}
