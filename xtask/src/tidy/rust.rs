//! Rules about Rust files that no lint checks. TypeScript modules must have a head comment too.
//!
//! They rely on rustfmt: an item ends at the first closing brace with the same indentation.

use super::{Fault, Source};

const FUNCTION_LINES_MAX: usize = 70;
const PURE: [&str; 3] = ["crates/engineio/src/", "crates/socketio/src/", "crates/chat/src/"];
/// In the pure crates, time and randomness are arguments.
const IMPURE: [&str; 6] =
    ["Instant::now", "SystemTime::now", "getrandom", "thread_rng", "rand::random", "tokio::"];

pub(super) fn opens_with_documentation(source: &Source) -> Vec<Fault> {
    let opening = match source.path.rsplit_once('.') {
        Some((_, "rs")) => "//!",
        Some((_, "ts" | "mjs")) if !source.path.contains(".test.ts") && !source.path.contains(".config.") => {
            "//"
        }
        Some((_, "py")) => "\"\"\"",
        _ => return Vec::new(),
    };
    if source.text.starts_with(opening) {
        return Vec::new();
    }
    vec![source.fault(1, "a module opens with what it owns, promises and does not know")]
}

pub(super) fn has_short_functions(source: &Source) -> Vec<Fault> {
    if !source.has_extension(&["rs"]) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let mut faults = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        if !begins_function(line) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let ends = |line: &&str| {
            line.len() - line.trim_start().len() == indent && line.trim_start().starts_with('}')
        };
        let Some(length) = lines[start..].iter().position(ends).map(|position| position + 1) else {
            continue;
        };
        // A signature without a body ends before any brace does.
        let has_body = !lines[start..start + length]
            .iter()
            .any(|line| line.len() > indent && ends_signature(line, indent));
        if length > FUNCTION_LINES_MAX && has_body {
            faults.push(source.fault(
                start + 1,
                format!("{length} lines in one function, of at most {FUNCTION_LINES_MAX}"),
            ));
        }
    }
    faults
}

fn begins_function(line: &str) -> bool {
    let words = line.trim_start().split(' ');
    let mut words =
        words.skip_while(|word| matches!(*word, "async" | "const" | "unsafe") || word.starts_with("pub"));
    words.next() == Some("fn") && !line.trim_end().ends_with(';')
}

fn ends_signature(line: &str, indent: usize) -> bool {
    line.len() - line.trim_start().len() == indent
        && line.trim_start().starts_with(')')
        && line.ends_with(';')
}

pub(super) fn expects_instead_of_allowing(source: &Source) -> Vec<Fault> {
    let allows =
        |line: &str| line.trim_start().starts_with("#[allow(") || line.trim_start().starts_with("#![allow(");
    if !source.has_extension(&["rs"]) {
        return Vec::new();
    }
    let faults = source.text.lines().zip(1..).filter(|(line, _)| allows(line));
    faults.map(|(_, number)| source.fault(number, "expect the lint, with a reason")).collect()
}

pub(super) fn is_pure_where_it_must_be(source: &Source) -> Vec<Fault> {
    let is_test = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
    if is_test || !PURE.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    // Unit tests are at the end of a file, and may use the clock.
    let code = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let impure = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        IMPURE.iter().any(|word| code.contains(word))
    };
    let faults = code.lines().zip(1..).filter(|(line, _)| impure(line));
    faults
        .map(|(_, number)| source.fault(number, "time and randomness are arguments in this crate"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_long_function_is_found_where_it_begins() {
        let long = format!(
            "//! Docs.\n\nimpl A {{\n    pub(crate) async fn b() {{\n{}    }}\n}}\n",
            "        c();\n".repeat(69)
        );
        assert_eq!(
            has_short_functions(&source("a.rs", &long)).iter().map(|fault| fault.line).collect::<Vec<_>>(),
            [4]
        );
        let short = long.replacen("        c();\n", "", 1);
        assert_eq!(has_short_functions(&source("a.rs", &short)), []);
    }

    #[test]
    fn modules_have_to_say_what_they_are() {
        assert_eq!(opens_with_documentation(&source("a.rs", "use b;")).len(), 1);
        assert_eq!(opens_with_documentation(&source("a.rs", "//! B.")).len(), 0);
        assert_eq!(opens_with_documentation(&source("a.ts", "import b;")).len(), 1);
        assert_eq!(opens_with_documentation(&source("a.md", "b")).len(), 0);
    }

    #[test]
    fn the_clock_is_for_tests_and_impure_crates() {
        let asks = "fn a() { Instant::now(); }\n";
        assert_eq!(is_pure_where_it_must_be(&source("crates/chat/src/a.rs", asks)).len(), 1);
        assert_eq!(is_pure_where_it_must_be(&source("crates/tidings/src/a.rs", asks)).len(), 0);
        let in_tests = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{asks}}}");
        assert_eq!(is_pure_where_it_must_be(&source("crates/chat/src/a.rs", &in_tests)).len(), 0);
        assert_eq!(
            is_pure_where_it_must_be(&source("crates/chat/src/a.rs", "// Instant::now is asked")).len(),
            0
        );
    }
}
