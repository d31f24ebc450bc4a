//! The metrics of a server: one table, which `--metrics` serves in the text format of Prometheus, and docs/metrics.md shows.
//!
//! A row says how to read its values from a [`Snapshot`]. Labels are words of this program and numbers of workers: nothing
//! that a peer sends becomes a name or a label, so nobody can make up new series.
//!
//! The text is version 0.0.4 of the exposition format. The library of the Prometheus project for Rust writes the
//! successor of that format alone; without texts from elsewhere there is nothing to escape, and the format is these few lines.

mod clients;
mod delivery;
mod machine;
mod table;

use std::fmt::{self, Write as _};
use std::time::Duration;

use tally::Distribution;

use crate::limits::Bounds;
use crate::stats::Snapshot;

/// The type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One metric.
pub struct Metric {
    /// Its name. Counters end with `_total`, and units are part of it.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub unit: &'static str,
    /// What it means.
    pub meaning: &'static str,
    read: fn(&Source<'_>, &mut Samples<'_>),
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from the start of the server on.
    Counter,
    /// What is now.
    Gauge,
    /// How often something was at most so large.
    Histogram,
}

/// Where values are read from.
#[derive(Debug)]
pub struct Source<'a> {
    /// What was counted.
    pub snapshot: &'a Snapshot,
    /// The limits that apply.
    pub bounds: &'a Bounds,
}

/// The value of a label: a word of this program, or the number of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A word.
    Word(&'static str),
    /// A number.
    Number(usize),
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// A time, in seconds.
    Time(Duration),
}

/// Takes the values of one metric.
pub struct Samples<'a> {
    metric: &'a Metric,
    text: &'a mut String,
}

/// The table, part by part.
const TABLE: [&[Metric]; 3] = [machine::ROWS, clients::ROWS, delivery::ROWS];

/// All metrics.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    TABLE.into_iter().flatten()
}

/// All metrics as text.
pub fn text(snapshot: &Snapshot, bounds: &Bounds) -> String {
    let source = Source { snapshot, bounds };
    let mut text = String::with_capacity(32 << 10);
    for metric in all() {
        let Metric { name, kind, meaning, .. } = metric;
        write(&mut text, format_args!("# HELP {name} {meaning}.\n# TYPE {name} {kind}\n"));
        (metric.read)(&source, &mut Samples { metric, text: &mut text });
    }
    text
}

/// The table as Markdown.
pub fn table() -> String {
    let mut table = String::from("| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n");
    for Metric { name, kind, labels, unit, meaning, .. } in all() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        write(&mut table, format_args!("| `{name}` | {kind} | {labels} | {unit} | {meaning} |\n"));
    }
    table
}

fn write(text: &mut String, what: fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string takes everything");
}

impl Samples<'_> {
    /// The value of a metric without labels.
    pub fn value(&mut self, value: impl Into<Value>) {
        self.put(&[], value);
    }

    /// A value that the system may not tell.
    pub fn known(&mut self, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.value(value);
        }
    }

    /// The value with these labels.
    pub fn put(&mut self, labels: &[Label], value: impl Into<Value>) {
        self.sample("", labels, None, value.into());
    }

    /// The values of a histogram with these labels.
    pub fn histogram(&mut self, labels: &[Label], distribution: &Distribution) {
        let is_time = self.metric.unit == "seconds";
        let value =
            |number| if is_time { Value::Time(Duration::from_micros(number)) } else { Value::Count(number) };
        let mut below = 0;
        for (bound, count) in distribution.bounds.iter().zip(&distribution.counts) {
            below += count;
            self.sample("_bucket", labels, Some(&value(*bound)), Value::Count(below));
        }
        let all = Value::Count(distribution.count());
        self.sample("_bucket", labels, Some(&"+Inf"), all);
        self.sample("_sum", labels, None, value(distribution.sum));
        self.sample("_count", labels, None, all);
    }

    fn sample(&mut self, suffix: &str, values: &[Label], le: Option<&dyn fmt::Display>, value: Value) {
        let Metric { name, labels, .. } = self.metric;
        debug_assert_eq!(labels.len(), values.len(), "the labels of {name}");
        let mut pairs: Vec<String> =
            labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        pairs.extend(le.map(|le| format!("le=\"{le}\"")));
        let pairs = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        write(self.text, format_args!("{name}{suffix}{pairs} {value}\n"));
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl From<&'static str> for Label {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<usize> for Label {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Time(time) => time.as_secs_f64().fmt(f),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metric").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Samples<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples").field("metric", &self.metric).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
