//! The page with the result: medians, ratios and bars.

use std::fmt::Write as _;

use super::contestant::{CONTESTANTS, Contestant, FLOOR, FORMS};
use super::plan::{Better, COSTS, PEERS, Row};
use super::{ABSENT, Options, Outcome, Outcomes, Results};
use crate::machine;

const INTRODUCTION: &str = "\
Written by `cargo xtask bench`, never by hand. Each figure is a median; the contestants took turns, so that whatever else
the machine did fell on all of them. Server and client had one core each. Rates are per second of the server's processor
time, both halves of the loopback included. All servers flush every message to the disk before they acknowledge it: WAL,
`synchronous=FULL`. *socketioxide*, *Node* and *Bun* are the tutorial's server on these libraries (`bench/peers`); the
*floor* is one thread that does what the kernel and SQLite ask, and nothing else (`bench/floor`). A message is in flight
until all clients have it.";

const COSTS_INTRODUCTION: &str = "\
Our server as it is by default, beside the same server with something switched on. *Over TLS*: every client makes a whole
handshake (TLS 1.3, a certificate on P-256) and none resumes an earlier one. *With metrics*: a monitor reads `/metrics`
every second. In brackets what is left of the rate, or what is taken beyond the default, and what we ask for. Counting itself cannot be
switched off, so it is part of every column.";

pub(super) fn write(results: &Results, options: &Options, runs: usize, revision: &str) -> String {
    let mut page = String::from("# Performance\n\n");
    page.push_str(INTRODUCTION);
    let (machine, date) = (machine::description(), machine::today());
    push(
        &mut page,
        format_args!(
            "\n\n{machine}. {date}, `{revision}`; {runs} runs of {} s, or as long as a row says.\n",
            options.seconds
        ),
    );
    let part = |index: usize| results.0.get(index).map_or(&[][..], Vec::as_slice);
    if !part(PEERS).is_empty() {
        push_peers(&mut page, part(PEERS), options);
    }
    if !part(COSTS).is_empty() {
        push_costs(&mut page, part(COSTS), options);
    }
    page
}

fn push_peers(page: &mut String, rows: &[(&'static Row, Vec<Outcomes>)], options: &Options) {
    page.push_str("\n## Ratios\n\nOurs against each; above 1 is better than they are. In brackets what we ask for,\nand where we miss it, how many times better the floor is.\n\n| |");
    CONTESTANTS.iter().skip(1).for_each(|other| push(page, format_args!(" {} |", other.name)));
    page.push_str("\n|---|");
    CONTESTANTS.iter().skip(1).for_each(|_| page.push_str("---|"));
    page.push('\n');
    for (row, outcomes) in rows {
        let figures: Vec<_> = outcomes.iter().map(|outcomes| median(row.measure, outcomes)).collect();
        if figures.iter().skip(1).all(Option::is_none) {
            // There is nobody to compare with: the figures below are enough.
            continue;
        }
        push(page, format_args!("| {} |", title(row, options.seconds)));
        let (own, floor) = (figures.first().copied().flatten(), figures.get(FLOOR).copied().flatten());
        for (contestant, other) in figures.iter().enumerate().skip(1) {
            let bar = row.bar(contestant);
            push(page, format_args!(" {} |", compared(row, own, *other, bar, floor)));
        }
        page.push('\n');
    }
    page.push_str("\n## Figures\n");
    for (row, outcomes) in rows {
        push_figures(page, &title(row, options.seconds), row.measure, (&CONTESTANTS, outcomes));
    }
}

/// What TLS and metrics cost our own server.
fn push_costs(page: &mut String, rows: &[(&'static Row, Vec<Outcomes>)], options: &Options) {
    page.push_str("\n## What TLS and metrics cost\n\n");
    page.push_str(COSTS_INTRODUCTION);
    page.push_str("\n\n| |");
    for form in &FORMS {
        push(page, format_args!(" {} |", form.name));
    }
    push(page, format_args!("\n|---|{}\n", "---|".repeat(FORMS.len())));
    for (row, outcomes) in rows {
        push(page, format_args!("| {} |", title(row, options.seconds)));
        let figures: Vec<_> = outcomes.iter().map(|outcomes| median(row.measure, outcomes)).collect();
        let by_default = figures.first().copied().flatten();
        for (form, figure) in figures.iter().enumerate() {
            let cell = match (by_default, figure) {
                (Some(by_default), Some(figure)) if form > 0 => cost(row, by_default, *figure, row.bar(form)),
                (_, figure) => figure.map_or_else(|| "–".into(), number),
            };
            push(page, format_args!(" {cell} |"));
        }
        page.push('\n');
    }
    for (row, outcomes) in rows {
        push_figures(page, &title(row, options.seconds), row.measure, (&FORMS, outcomes));
    }
}

/// A figure, and beside it what is left of a rate, or how much more is taken.
fn cost(row: &Row, by_default: f64, figure: f64, bar: Option<f64>) -> String {
    let (change, is_met, sign) = match row.better {
        Better::More => {
            let share = figure / by_default;
            (format!("{share:.3} of it"), bar.map(|bar| share >= bar), "≥")
        }
        Better::Less => {
            let more = figure - by_default;
            let sign = if more < 0.0 { "−" } else { "+" };
            (format!("{sign}{}", number(more.abs())), bar.map(|bar| more <= bar), "≤")
        }
    };
    let goal = bar.map_or_else(String::new, |bar| format!("; {sign} {}", number(bar)));
    match is_met {
        Some(false) => format!("{}, missed ({change}{goal})", number(figure)),
        Some(true) | None => format!("{} ({change}{goal})", number(figure)),
    }
}

/// The name of a row, with its measuring time if that differs from the requested one.
fn title(row: &Row, asked: u64) -> String {
    match row.seconds(asked) {
        Some(seconds) if seconds != asked => format!("{} ({seconds} s)", row.name),
        Some(_) | None => row.name.to_owned(),
    }
}

fn push_figures(
    page: &mut String,
    title: &str,
    measure: &str,
    (contestants, all): (&[Contestant], &[Outcomes]),
) {
    push(page, format_args!("\n### {title}\n\n| | {} |", measure.replace('_', " ")));
    page.push_str(" delivery p50, ms | p99, ms | client's core | remarks |\n|---|---|---|---|---|---|\n");
    for (contestant, outcomes) in contestants.iter().zip(all) {
        let figure = |name: &str| median(name, outcomes).map_or_else(|| "–".into(), number);
        let share = median("client_cpu_share", outcomes);
        let share = share.map_or_else(|| "–".into(), |share| format!("{:.0} %", share * 100.0));
        push(
            page,
            format_args!(
                "| {} | {} | {} | {} | {share} | {} |\n",
                contestant.name,
                figure(measure),
                figure("delivery_p50_ms"),
                figure("delivery_p99_ms"),
                remarks(outcomes)
            ),
        );
    }
}

/// Our ratio to another contestant, compared with the goal. Where we miss it, the floor's ratio shows what is possible.
fn compared(row: &Row, own: Option<f64>, other: Option<f64>, bar: Option<f64>, floor: Option<f64>) -> String {
    let Some(ratio) = ratio(row, own, other) else { return "–".into() };
    match bar {
        Some(bar) if ratio >= bar => format!("**{ratio:.2}** (≥ {bar})"),
        Some(bar) => {
            let floor = self::ratio(row, floor, other).filter(|_| floor != other);
            let floor = floor.map_or_else(String::new, |floor| format!("; the floor: {floor:.2}"));
            format!("{ratio:.2}, missed (≥ {bar}{floor})")
        }
        None => format!("{ratio:.2}"),
    }
}

fn ratio(row: &Row, own: Option<f64>, other: Option<f64>) -> Option<f64> {
    let (own, other) = (own?, other?);
    let ratio = match row.better {
        Better::More => own / other,
        Better::Less => other / own,
    };
    ratio.is_finite().then_some(ratio)
}

/// Faults and void runs, summed over the runs.
fn remarks(outcomes: &Outcomes) -> String {
    let mut remarks = Vec::new();
    let void = seen(outcomes).filter(|outcome| outcome.verdict == "void").count();
    if void > 0 {
        remarks.push(format!("{void} runs void"));
    }
    let names = ["lost", "doubled", "late", "contradicted", "acked_unseen", "sender_order", "refused"];
    for name in names {
        let sum: u64 = seen(outcomes).filter_map(|outcome| outcome.faults.get(name)).sum();
        if sum > 0 {
            remarks.push(format!("{sum} {}", name.replace('_', " ")));
        }
    }
    let error = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
    if let Some(error) = error.filter(|error| *error != ABSENT) {
        remarks.push(error.clone());
    }
    remarks.join(", ")
}

fn seen(outcomes: &Outcomes) -> impl Iterator<Item = &Outcome> {
    outcomes.iter().filter_map(|outcome| outcome.as_ref().ok())
}

fn median(measure: &str, outcomes: &Outcomes) -> Option<f64> {
    let mut values: Vec<f64> =
        seen(outcomes).filter_map(|outcome| outcome.measures.get(measure).copied()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Three significant digits, with commas.
pub(super) fn number(value: f64) -> String {
    if value.abs() < 1_000.0 {
        let decimals = match value.abs() {
            small if small < 0.1 => 4,
            small if small < 10.0 => 2,
            other => usize::from(other < 100.0),
        };
        return format!("{value:.decimals$}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Lasts, PLANS};
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (value, text) in
            [(1_234_567.0, "1,234,567"), (999.0, "999"), (12.34, "12.3"), (0.5, "0.50"), (0.0021, "0.0021")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_missed_bar_is_told_with_what_the_floor_reaches() {
        let row = |better| Row { better, ..PLANS[PEERS].rows[0] };
        let more = |bar| compared(&row(Better::More), Some(3.0), Some(2.0), bar, Some(4.0));
        assert_eq!(more(Some(1.5)), "**1.50** (≥ 1.5)");
        assert_eq!(more(Some(1.6)), "1.50, missed (≥ 1.6; the floor: 2.00)");
        assert_eq!(more(None), "1.50");
        let less = compared(&row(Better::Less), Some(2.0), Some(3.0), Some(2.0), None);
        assert_eq!(less, "1.50, missed (≥ 2)");
        let floor = compared(&row(Better::More), Some(1.0), Some(2.0), Some(0.7), Some(2.0));
        assert_eq!(floor, "0.50, missed (≥ 0.7)", "the floor is not compared with itself");
        assert_eq!(compared(&row(Better::More), None, Some(2.0), Some(1.0), None), "–");
    }

    #[test]
    fn a_row_says_how_long_it_measures_where_that_is_not_what_was_asked_for() {
        let titled = |lasts| title(&Row { name: "a row", lasts, ..PLANS[PEERS].rows[0] }, 2);
        assert_eq!(titled(Lasts::AtLeast(6)), "a row (6 s)");
        for lasts in [Lasts::UntilDone, Lasts::Asked, Lasts::AtLeast(1)] {
            assert_eq!(titled(lasts), "a row");
        }
    }

    #[test]
    fn a_cost_is_told_beside_what_we_ask_for() {
        let row = |better| Row { better, ..PLANS[COSTS].rows[0] };
        let more = |figure, bar| cost(&row(Better::More), 1_000.0, figure, bar);
        assert_eq!(more(995.0, Some(0.99)), "995 (0.995 of it; ≥ 0.99)");
        assert_eq!(more(700.0, Some(0.99)), "700, missed (0.700 of it; ≥ 0.99)");
        let less = |figure, bar| cost(&row(Better::Less), 4_000.0, figure, bar);
        assert_eq!(less(7_500.0, Some(6_000.0)), "7,500 (+3,500; ≤ 6,000)");
        assert_eq!(less(10_001.0, Some(6_000.0)), "10,001, missed (+6,001; ≤ 6,000)");
        assert_eq!(less(3_999.0, None), "3,999 (−1.00)");
    }

    #[test]
    fn a_median_is_one_of_the_values_and_errors_do_not_count() {
        let outcome = |value| {
            let measures = [("x".to_owned(), value)].into();
            Ok(Outcome { verdict: "good".into(), measures, faults: [].into() })
        };
        let outcomes = vec![outcome(3.0), Err("no".into()), outcome(1.0), outcome(2.0)];
        assert_eq!(median("x", &outcomes), Some(2.0));
        assert_eq!(median("y", &outcomes), None);
    }
}
