//! Converts between the unsigned numbers of the domain and the signed ones of SQLite.

/// For a parameter. What does not fit is beyond everything that is stored, and so is the largest number there is.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Keeps all 64 bits of a hash.
pub(crate) fn bits_to_sql(hash: u64) -> i64 {
    hash.cast_signed()
}
