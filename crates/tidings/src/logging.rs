//! The log on standard error, filtered by the variable `TIDINGS_LOG`.
//!
//! A filter with a typing error would hide all warnings: to `tracing`, a word such as `inffo` is the name of a part of
//! some program. So such a filter is reported and not used.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const VARIABLE: &str = "TIDINGS_LOG";
const DEFAULT: &str = "warn";

/// Parts that write to the log, and may stand in a filter without a level.
const PARTS: [&str; 4] = ["tidings", "chat", "chat_sqlite", "socketio_server"];

/// Starts the log.
pub(crate) fn begin() {
    let text = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = filter(&text);
    let is_bad = filter.is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| DEFAULT.into()))
        .with_writer(std::io::stderr)
        .init();
    if is_bad {
        tracing::warn!(
            "{VARIABLE}={text} is not a filter, so only warnings are logged: give a level (error, warn, info, debug, \
             trace, off), or parts with their levels such as socketio_server=debug"
        );
    }
}

/// None if it is not a filter.
fn filter(text: &str) -> Option<EnvFilter> {
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let is_known = |word: &str| word.contains(['=', '[', ':']) || PARTS.contains(&word) || is_level(word);
    let mut words = text.split(',').map(str::trim).filter(|word| !word.is_empty()).peekable();
    words.peek()?;
    if words.all(is_known) { EnvFilter::try_new(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn a_filter_is_of_levels_and_parts() {
        for good in
            ["info", "WARN", "off", "socketio_server", "warn,chat_sqlite=debug", "hyper=info, tidings"]
        {
            assert!(filter(good).is_some(), "{good}");
        }
        for bad in ["inffo", "", "warn,sokketio", "chat=loud"] {
            assert!(filter(bad).is_none(), "{bad}");
        }
    }
}
