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
    ("web/src/ui/", &["web/src/core/"]),
];

/// What the page takes from the core beside the facade: what it needs before there is a chat, and after it is gone.
const FOR_THE_PAGE: [&str; 8] = [
    "web/src/core/browser/link-ports.ts",
    "web/src/core/browser/page-chat.ts",
    "web/src/core/facade.ts",
    "web/src/core/follow-link.ts",
    "web/src/core/forget.ts",
    "web/src/core/identities.ts",
    "web/src/core/unused.ts",
    "web/src/core/written.ts",
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
    let mut faults: Vec<Fault> = files.iter().flat_map(|file| unnamed(file, &imports)).collect();
    faults.extend(files.iter().flat_map(|file| upward(file, &imports)));
    faults.extend(files.iter().filter_map(|file| circle(file, &imports)));
    faults
}

/// Imports that the file's layer must not have.
fn upward(file: &Source, imports: &Imports<'_>) -> Vec<Fault> {
    let forbidden =
        LAYERS.iter().find(|(layer, _)| file.path.starts_with(layer)).map_or(&[][..], |row| row.1);
    let is_forbidden = |other: &str| {
        forbidden.iter().any(|layer| other.starts_with(layer))
            && !(file.path.starts_with("web/src/ui/") && FOR_THE_PAGE.contains(&other))
    };
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

/// Imports that do not say which file they are from, so that no rule would see them.
fn unnamed(file: &Source, imports: &Imports<'_>) -> Vec<Fault> {
    let is_named = |path: &str| {
        let is_code = [".ts", ".tsx"].iter().any(|ending| path.ends_with(ending));
        // What is no code may lie elsewhere, such as a style sheet.
        if is_code {
            imports.contains_key(path)
        } else {
            [".css", ".json", ".svg"].iter().any(|ending| path.ends_with(ending))
        }
    };
    let found = imports[&*file.path].iter().filter(|(_, other)| !is_named(other));
    found
        .map(|(line, other)| file.fault(*line, format!("imports {other:?}, which is no file of the app")))
        .collect()
}

/// The imports of a file that are no packages, as paths from the root of the repository.
///
/// An import is the word `from` or `import` with a string behind it, in any of the three quotes, possibly in parentheses
/// or on a later line. An `import(` of something else is an import of nothing, which is a fault.
fn imports_of(file: &Source) -> Vec<(usize, String)> {
    let code = without_comments(&file.text);
    let mut imports = Vec::new();
    for word in ["from", "import", "glob"] {
        for (place, _) in code.match_indices(word) {
            let rest = &code[place + word.len()..];
            let is_part = |symbol: char| symbol.is_alphanumeric() || matches!(symbol, '_' | '$');
            // Another word, a field such as `a.from`, or a name in quotes.
            let before = code[..place].chars().next_back().unwrap_or(' ');
            if is_part(before)
                || (matches!(before, '.' | '"' | '\'' | '`') && word != "glob")
                || rest.starts_with(is_part)
            {
                continue;
            }
            let Some(path) = imported(word, rest) else { continue };
            if path.is_empty() || path.starts_with(['.', '/']) {
                imports.push((code[..place].matches('\n').count() + 1, resolved(&file.path, path)));
            }
        }
    }
    imports.sort();
    imports
}

/// The path in the string that follows, or "" where an import follows that has none.
fn imported<'a>(word: &str, rest: &'a str) -> Option<&'a str> {
    let rest = rest.trim_start();
    let called = rest.strip_prefix('(').map(str::trim_start);
    let is_call = called.is_some() && word != "from";
    let string = if word == "from" { rest } else { called.unwrap_or(rest) };
    let Some(quote) = string.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`')) else {
        return is_call.then_some("");
    };
    let path = string[1..].split(quote).next().unwrap_or_default();
    // A pattern, or a path that is put together.
    if path.contains("${") || word == "glob" { is_call.then_some("") } else { Some(path) }
}

/// The text with each comment as blanks, and each line where it was.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut string = None;
    while let Some(symbol) = rest.chars().next() {
        let comment = match (string, rest) {
            (None, rest) if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            (None, rest) if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => 0,
        };
        if comment > 0 {
            code.extend(rest[..comment].chars().map(|symbol| if symbol == '\n' { '\n' } else { ' ' }));
            rest = &rest[comment..];
            continue;
        }
        let mut length = symbol.len_utf8();
        match string {
            // A string in one of these quotes ends with its line. So does what looked like one, such as an apostrophe.
            Some(quote) if symbol == quote || (symbol == '\n' && quote != '`') => string = None,
            Some(_) if symbol == '\\' => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            None if matches!(symbol, '"' | '\'' | '`') => string = Some(symbol),
            _ => {}
        }
        code.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    code
}

fn resolved(from: &str, path: &str) -> String {
    if !path.starts_with('.') {
        return path.to_owned();
    }
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
                    "import type { B } from \"../core/facade.ts\";\nimport * as wire from \"../core/wire.ts\";\n",
                ),
                ("core/browser/db.ts", ""),
                ("core/facade.ts", ""),
                ("core/wire.ts", ""),
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
                ("ui/view.tsx", "import \"./view.css\";\nimport { a } from \"../core/facade.ts\";\n"),
                (
                    "core/facade.ts",
                    "/*\nimport \"./a.ts\" */\nconst a = b.from(\"./a.ts\"), c = { from: \"./a.ts\" };\n",
                ),
            ],
            &[],
        );
    }

    #[test]
    fn a_circle_is_found_however_the_import_is_written() {
        let ways = [
            "import { b } from './b.ts';",
            "import { b } from\n  \"./b.ts\";",
            "import { b } from // why\n  \"./b.ts\";",
            "import { b } from/* why */\"./b.ts\";",
            "import{b}from\"./b.ts\";",
            "import './b.ts';",
            "export * from './b.ts';",
            "const b = () => import(\n  './b.ts'\n);",
            "const b = () => import(`./b.ts`);",
            "const b = () => import(/* @vite-ignore */ './b.ts');",
            "type B = import('./b.ts').B;",
            "const a = \"//\"; import { b } from \"./b.ts\";",
            "const a = '/*'; import { b } from \"./b.ts\";",
            "const a = `\n//`; import { b } from \"./b.ts\";",
            "// it's\nimport { b } from \"./b.ts\";",
            "import { b } from \"../core/./b.ts\";",
        ];
        for way in ways {
            let what = "is in a circle of imports: web/src/core/a.ts → web/src/core/b.ts → web/src/core/a.ts";
            check(&[("core/a.ts", way), ("core/b.ts", "import './a.ts';")], &[("core/a.ts", 0, what)]);
        }
    }

    #[test]
    fn an_import_has_to_name_a_file_of_the_app() {
        for (way, path) in [
            ("import './b';", "web/src/core/b"),
            ("import './c.ts';", "web/src/core/c.ts"),
            ("import './b.js';", "web/src/core/b.js"),
            ("import '/src/core/b.ts';", "/src/core/b.ts"),
            ("import(`./${name}.ts`);", ""),
            ("import(name);", ""),
            ("import.meta.glob('./*.ts');", ""),
        ] {
            let what = format!("imports {path:?}, which is no file of the app");
            check(&[("core/a.ts", way), ("core/b.ts", "")], &[("core/a.ts", 1, &what)]);
        }
    }

    #[test]
    fn the_page_imports_no_part_of_the_core_but_what_is_listed() {
        for part in ["ledger", "outbox", "effects", "index", "browser/store-idb"] {
            let path = format!("core/{part}.ts");
            let text = format!("import type {{ A }} from \"../core/{part}.ts\";");
            let what = format!("must not import web/src/{path}");
            check(&[("ui/view.tsx", &text), (&path, "")], &[("ui/view.tsx", 1, &what)]);
        }
        for path in FOR_THE_PAGE {
            let file = &path["web/src/".len()..];
            check(&[("ui/view.tsx", &format!("import \"../{file}\";")), (file, "")], &[]);
        }
    }

    #[test]
    fn an_app_without_modules_is_a_fault() {
        let faults = judge(&[]);
        assert_eq!(faults.len(), 1);
    }
}
