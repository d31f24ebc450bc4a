//! Rules about the modules of the app: no cycles, and layers that import one way.
//!
//! Every import counts: type imports, lazy imports, and re-exports. A type that two modules need from each other
//! belongs in a third one.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Fault, Source};

const APP: &str = "web/src/";

/// What each layer must not import. The first matching row counts; a folder ends with a slash.
const LAYERS: [(&str, &[&str]); 4] = [
    ("web/src/core/browser/", &["web/src/ui/", "web/src/texts/"]),
    ("web/src/core/", &["web/src/ui/", "web/src/texts/", "web/src/core/browser/"]),
    ("web/src/texts/", &["web/src/ui/", "web/src/core/"]),
    ("web/src/ui/", &["web/src/core/wire.ts", "web/src/core/session.ts", "web/src/core/store.ts"]),
];

/// The imports of each file, with their lines.
type Imports<'a> = BTreeMap<&'a str, Vec<(usize, String)>>;

pub(super) fn import_one_way(_: &Path, sources: &[Source]) -> Vec<Fault> {
    judge(sources)
}

fn judge(sources: &[Source]) -> Vec<Fault> {
    let of_app = |source: &&Source| source.path.starts_with(APP) && source.has_extension(&["ts", "tsx"]);
    let files: Vec<&Source> = sources.iter().filter(of_app).collect();
    if files.is_empty() {
        return vec![Fault { path: APP.into(), line: 0, what: "there are no modules".into() }];
    }
    let imports: Imports = files.iter().map(|file| (&*file.path, imports_of(file))).collect();
    let mut faults: Vec<Fault> = files.iter().flat_map(|file| upward(file, &imports)).collect();
    faults.extend(files.iter().filter_map(|file| circle(file, &imports)));
    faults
}

/// Imports that the file's layer must not have.
fn upward(file: &Source, imports: &Imports<'_>) -> Vec<Fault> {
    let forbidden =
        LAYERS.iter().find(|(layer, _)| file.path.starts_with(layer)).map_or(&[][..], |row| row.1);
    let is_forbidden = |other: &str| forbidden.iter().any(|layer| other.starts_with(layer));
    let found = imports[&*file.path].iter().filter(|(_, other)| is_forbidden(other));
    found.map(|(line, other)| file.fault(*line, format!("must not import {other}"))).collect()
}

/// The shortest cycle through the file. Each cycle is reported once, by its first file.
fn circle(file: &Source, imports: &Imports<'_>) -> Option<Fault> {
    let start = &*file.path;
    let mut ways = vec![vec![start]];
    let mut seen = vec![start];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for (_, other) in imports.get(way[way.len() - 1]).into_iter().flatten() {
                if other == start {
                    let is_first = way.iter().all(|step| start <= *step);
                    let what = format!("is in a circle of imports: {} → {start}", way.join(" → "));
                    return is_first.then(|| file.fault(0, what));
                }
                if !seen.contains(&&**other) {
                    seen.push(other);
                    longer.push([way.as_slice(), &[&**other]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

/// The relative imports of a file, as paths from the root of the repository.
fn imports_of(file: &Source) -> Vec<(usize, String)> {
    let code: String = file
        .text
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { "\n".into() } else { format!("{line}\n") })
        .collect();
    let mut imports = Vec::new();
    for before in ["from \"", "import \"", "import(\""] {
        for (place, _) in code.match_indices(before) {
            let rest = &code[place + before.len()..];
            let path = rest.split('"').next().unwrap_or_default();
            let is_whole = !code[..place].ends_with(|symbol: char| symbol.is_alphanumeric());
            if is_whole && path.starts_with('.') {
                imports.push((code[..place].matches('\n').count() + 1, resolved(&file.path, path)));
            }
        }
    }
    imports.sort();
    imports
}

fn resolved(from: &str, path: &str) -> String {
    let mut steps: Vec<&str> = from.split('/').collect();
    steps.pop();
    for step in path.split('/') {
        match step {
            "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of these files of the app, by file and line.
    fn check(files: &[(&str, &str)], expected: &[(&str, usize, &str)]) {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source { path: format!("web/src/{path}"), text: (*text).into() })
            .collect();
        let faults = judge(&sources);
        let found: Vec<(&str, usize, &str)> =
            faults.iter().map(|fault| (&fault.path["web/src/".len()..], fault.line, &*fault.what)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_circle_is_found_once_however_long_it_is() {
        check(
            &[
                ("core/a.ts", "import { b } from \"./b.ts\";\n"),
                ("core/b.ts", "import type {\n  C,\n} from \"./deep/c.ts\";\n"),
                ("core/deep/c.ts", "export const later = () => import(\"../a.ts\");\n"),
                ("core/d.ts", "import { a } from \"./a.ts\";\n"),
            ],
            &[(
                "core/a.ts",
                0,
                "is in a circle of imports: web/src/core/a.ts → web/src/core/b.ts → web/src/core/deep/c.ts → web/src/core/a.ts",
            )],
        );
    }

    #[test]
    fn two_modules_that_pass_names_of_each_other_on_are_a_circle() {
        check(
            &[
                ("ui/a.tsx", "export * from \"./b.tsx\";\n"),
                ("ui/b.tsx", "export type { A } from \"./a.tsx\";\n"),
            ],
            &[(
                "ui/a.tsx",
                0,
                "is in a circle of imports: web/src/ui/a.tsx → web/src/ui/b.tsx → web/src/ui/a.tsx",
            )],
        );
    }

    #[test]
    fn the_core_imports_nothing_of_the_page() {
        check(
            &[
                ("core/a.ts", "// Docs.\n\nimport { view } from \"../ui/view.tsx\";\n"),
                ("core/b.ts", "import type { Db } from \"./browser/db.ts\";\n"),
                (
                    "ui/view.tsx",
                    "import { b } from \"../core/b.ts\";\nimport * as wire from \"../core/wire.ts\";\n",
                ),
            ],
            &[
                ("core/a.ts", 3, "must not import web/src/ui/view.tsx"),
                ("core/b.ts", 1, "must not import web/src/core/browser/db.ts"),
                ("ui/view.tsx", 2, "must not import web/src/core/wire.ts"),
            ],
        );
    }

    #[test]
    fn imports_downward_comments_and_packages_are_no_faults() {
        check(
            &[
                (
                    "core/a.ts",
                    "// import { x } from \"./a.ts\";\nimport { signal } from \"@preact/signals-core\";\n",
                ),
                ("core/browser/db.ts", "import { a } from \"../a.ts\";\n"),
                ("ui/view.tsx", "import \"./view.css\";\nimport { a } from \"../core/a.ts\";\n"),
            ],
            &[],
        );
    }

    #[test]
    fn an_app_without_modules_is_a_fault() {
        let faults = judge(&[]);
        assert_eq!(faults.len(), 1);
    }
}
