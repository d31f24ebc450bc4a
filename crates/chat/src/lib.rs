//! The chat domain: the log, its appender and its applier.
#![deny(missing_docs)]
