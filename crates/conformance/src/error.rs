//! [`Error`]: what ends a fixture.

/// Why a fixture cannot serve.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
