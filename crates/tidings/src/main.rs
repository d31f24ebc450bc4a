//! The Tidings chat server: wiring only.

fn main() {}
