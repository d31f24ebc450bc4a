//! The log on standard error, filtered by the variable `TIDINGS_LOG`, as text or as one JSON object a line.
//!
//! A filter with a typing error would hide all warnings: to `tracing`, a word such as `inffo` is the name of a part of
//! some program. So such a filter is reported and not used.

mod repeats;

use std::sync::OnceLock;
use std::time::Instant;

use clap::ValueEnum;
use tidings::stats::LineStats;
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use self::repeats::{LeftOut, Repeats, TARGET};

pub(crate) const VARIABLE: &str = "TIDINGS_LOG";
const DEFAULT: &str = "warn";

/// Parts that write to the log, and may stand in a filter without a level.
const PARTS: [&str; 4] = ["tidings", "chat", "chat_sqlite", "socketio_server"];

/// What bounds the lines of this process.
static REPEATS: OnceLock<Repeats> = OnceLock::new();

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Starts the log, with so many lines of one kind in a second.
pub(crate) fn begin(format: Format, lines_per_second: usize) {
    let text = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = filter(&text);
    let is_bad = filter.is_none();
    let repeats = REPEATS.get_or_init(|| Repeats::new(lines_per_second));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // Whatever lets a line through lets through that others of its kind were left out.
    let left_out = format!("{TARGET}=trace").parse().expect("a directive of ours");
    let filter = filter.unwrap_or_else(|| DEFAULT.into()).add_directive(left_out);
    tracing_subscriber::registry().with(filter).with(repeats).with(lines).init();
    if is_bad {
        tracing::warn!(
            "{VARIABLE}={text} is not a filter, so only warnings are logged: give a level (error, warn, info, debug, \
             trace, off), or parts with their levels such as socketio_server=debug"
        );
    }
}

/// How many lines were written so far, and how many were left out.
pub(crate) fn lines() -> LineStats {
    REPEATS.get().map(Repeats::stats).unwrap_or_default()
}

/// Tells which lines were left out. To be called once a second.
pub(crate) fn tell_left_out() {
    macro_rules! tell {
        ($level:ident, $metadata:expr, $count:expr) => {
            tracing::event!(
                target: TARGET,
                Level::$level,
                count = $count,
                kind = $metadata.name(),
                part = $metadata.target(),
                "lines of one kind were left out"
            )
        };
    }
    let left_out = REPEATS.get().map(|repeats| repeats.left_out(Instant::now()));
    for LeftOut { metadata, count } in left_out.into_iter().flatten() {
        match *metadata.level() {
            Level::ERROR => tell!(ERROR, metadata, count),
            Level::WARN => tell!(WARN, metadata, count),
            Level::INFO => tell!(INFO, metadata, count),
            Level::DEBUG => tell!(DEBUG, metadata, count),
            Level::TRACE => tell!(TRACE, metadata, count),
        }
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
