//! Which tests a filter selects: test files of the app and of the binary by their path, Rust tests by their path as well
//! as by their names.
//!
//! Reads sources and builds nothing, so that nothing is built that has no test to run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::options::Options;

/// The folders of tests/ with test files.
pub(super) const FOLDERS: [&str; 5] = ["e2e", "package", "python", "browser", "proof"];

/// A test binary of a crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The unit tests: of the library, and of the program if there is one.
    Unit,
    /// A file or folder of `tests/`.
    Integration(String),
}

/// Names of Rust tests must contain one of these; none means all tests.
pub(super) type Names = BTreeSet<String>;

/// What is to run.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// By the folder of the crate.
    pub(super) rust: BTreeMap<(PathBuf, Target), Names>,
    /// Test files of the app.
    pub(super) web: BTreeSet<PathBuf>,
    /// Test files of the binary, by folder.
    pub(super) binary: BTreeMap<&'static str, BTreeSet<PathBuf>>,
}

impl Selection {
    pub(super) fn is_empty(&self) -> bool {
        self.rust.is_empty() && self.web.is_empty() && self.binary.is_empty()
    }

    /// What the options select in a checkout.
    pub(super) fn of(root: &Path, options: &Options) -> Self {
        let mut selection = Self::default();
        let all = [String::new()];
        let filters = if options.filters.is_empty() { &all } else { options.filters.as_slice() };
        for filter in filters {
            let filter = filter.trim_start_matches("./");
            let filter = filter.strip_prefix(&*root.to_string_lossy()).unwrap_or(filter);
            let filter = filter.trim_start_matches('/');
            selection.select_rust(root, filter, options.package.as_deref());
            if options.package.is_none() {
                selection.select_scripts(root, filter);
            }
        }
        selection
    }

    fn select_scripts(&mut self, root: &Path, filter: &str) {
        let is_selected = |path: &&PathBuf| relative(root, path).contains(filter);
        let web = files(&root.join("web/tests"), &[".test.ts", ".test.tsx"]);
        self.web.extend(web.iter().filter(is_selected).cloned());
        for folder in FOLDERS {
            let files = files(&root.join("tests").join(folder), &[".test.mjs"]);
            let selected: BTreeSet<_> = files.iter().filter(is_selected).cloned().collect();
            if !selected.is_empty() {
                self.binary.entry(folder).or_default().extend(selected);
            }
        }
    }

    fn select_rust(&mut self, root: &Path, filter: &str, package: Option<&str>) {
        for folder in
            crates(root).into_iter().filter(|folder| package.is_none_or(|name| folder.ends_with(name)))
        {
            for path in ["src", "tests"].iter().flat_map(|part| files(&folder.join(part), &[".rs"])) {
                let Some(place) = Place::of(&folder, &path) else { continue };
                let source = fs::read_to_string(&path).unwrap_or_default();
                let tests = place.tests(&source);
                let name = if tests.is_empty() {
                    continue;
                } else if relative(root, &path).contains(filter) && filter.contains('/') {
                    place.prefix()
                } else if tests.iter().any(|test| test.contains(filter)) {
                    filter.to_owned()
                } else {
                    continue;
                };
                self.rust.entry((folder.clone(), place.target)).or_default().insert(name);
            }
        }
    }
}

/// Where a source file stands in its crate.
struct Place {
    target: Target,
    /// The modules that lead to it.
    modules: Vec<String>,
}

impl Place {
    fn of(folder: &Path, path: &Path) -> Option<Self> {
        let inside = path.strip_prefix(folder).ok()?.with_extension("");
        let mut parts: Vec<String> =
            inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let first = parts.remove(0);
        let target = if first == "src" { Target::Unit } else { Target::Integration(parts.remove(0)) };
        if matches!(parts.last().map(String::as_str), Some("lib" | "main")) {
            parts.pop();
        }
        Some(Self { target, modules: parts })
    }

    /// What the paths of its tests begin with.
    fn prefix(&self) -> String {
        self.modules.iter().flat_map(|module| [module, "::"]).collect()
    }

    /// The paths of the tests of a source, as far as the text tells.
    fn tests(&self, source: &str) -> Vec<String> {
        let mut tests = Vec::new();
        let (mut is_test, mut inner) = (false, String::new());
        for line in source.lines() {
            let line = line.trim();
            if let Some(module) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
                inner = format!("{module}::");
            } else if line.starts_with("#[") {
                is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            } else if let Some(name) = name_of_function(line) {
                if is_test {
                    tests.push(format!("{}{inner}{name}", self.prefix()));
                }
                is_test = false;
            }
        }
        tests
    }
}

fn name_of_function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    line.split(['(', '<']).next()
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The folders of all crates.
fn crates(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path()).chain([root.join("xtask")]);
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.join("Cargo.toml").exists()).collect();
    folders.sort();
    folders
}

/// All files below a folder whose names end in one of these ways, in order.
fn files(folder: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ends));
        } else if ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(filters: &[&str], package: Option<&str>) -> Selection {
        let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
        let options = Options { filters, package: package.map(str::to_owned), ..Options::default() };
        Selection::of(&crate::root::workspace_root(), &options)
    }

    fn rust(selection: &Selection) -> Vec<(String, Target, Vec<&str>)> {
        let told = |((folder, target), names): (&(PathBuf, Target), _)| {
            let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (folder, target.clone(), Names::iter(names).map(String::as_str).collect())
        };
        selection.rust.iter().map(told).collect()
    }

    #[test]
    fn a_path_selects_one_file_of_any_kind() {
        let browser = select(&["browser/messages"], None);
        assert_eq!(browser.binary.get("browser").map(BTreeSet::len), Some(1));
        assert!(browser.rust.is_empty() && browser.web.is_empty() && browser.binary.len() == 1);
        let web = select(&["web/tests/core/wire.test.ts"], None);
        assert_eq!((web.web.len(), web.binary.len(), web.rust.len()), (1, 0, 0));
        let it = Target::Integration("it".into());
        let rooms = select(&["./crates/socketio-server/tests/it/rooms.rs"], None);
        assert_eq!(rust(&rooms), [("socketio-server".into(), it, vec!["rooms::"])]);
        let unit = select(&["xtask/src/test/select.rs"], None);
        assert_eq!(rust(&unit), [("xtask".into(), Target::Unit, vec!["test::select::"])]);
    }

    #[test]
    fn a_part_of_a_name_selects_tests_and_files() {
        let name = "select::tests::a_part_of_a_name_selects_tests";
        assert_eq!(rust(&select(&[name], None)), [("xtask".into(), Target::Unit, vec![name])]);
        let both = select(&["wire"], None);
        assert!(!both.web.is_empty());
        assert!(select(&["no test has this in its name"], None).is_empty());
        assert!(select(&["there/is/no/such/file"], None).is_empty());
    }

    #[test]
    fn a_crate_selects_its_rust_tests_alone() {
        let engineio = select(&[], Some("engineio"));
        let targets: Vec<Target> = engineio.rust.keys().map(|(_, target)| target.clone()).collect();
        let folder = crate::test::workspace_root().join("crates/engineio/tests");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> =
            files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        let expected: Vec<_> = names.into_iter().map(Target::Integration).collect();
        assert_eq!(targets, [&[Target::Unit], expected.as_slice()].concat());
        assert!(engineio.rust.values().all(|names| names.iter().all(String::is_empty)));
        assert!(engineio.web.is_empty() && engineio.binary.is_empty());
        assert!(select(&[], Some("no such crate")).is_empty());
    }
}
