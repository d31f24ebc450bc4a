//! A run of the tests that filters select.
//!
//! Rust tests are built with the features that the whole run builds them with, so that nothing is compiled once more. A
//! crate that is named alone gets its own features: then a change in it concerns no other crate.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use super::binary::{self, Programs};
use super::built::{self, TestBinary};
use super::count::Counting;
use super::npm;
use super::options::Options;
use super::select::{Names, Selection, Target};
use super::setup::{self, Need, Tools};
use super::step::{Skipped, Steps};

/// A test binary, and the names that it gets.
struct Binary {
    executable: PathBuf,
    folder: PathBuf,
    names: Names,
}

/// Runs what the options select.
pub(super) fn run(root: &Path, options: &Options) -> ExitCode {
    let begin = Instant::now();
    let selection = Selection::of(root, options);
    if selection.is_empty() {
        eprintln!("no test has this in its path or name");
        return ExitCode::from(2);
    }
    let folders: BTreeSet<&str> = selection.binary.keys().copied().collect();
    let mut needs: Vec<Need> = folders.iter().flat_map(|folder| Need::of(folder)).copied().collect();
    needs.extend((!selection.web.is_empty()).then_some(Need::Web));
    let tools = match setup::prepare(root, &needs) {
        Ok(tools) => tools,
        Err(message) => return super::not_ready(&message),
    };
    let mut steps = Steps::default();
    let binaries = match build(root, &selection, options.package.as_deref()) {
        Ok(binaries) => binaries,
        Err(message) => return super::not_ready(&message),
    };
    let mut programs = Programs::debug(root);
    if !folders.is_empty() {
        steps.run("debug build", Counting::Once, binary::debug_build(root));
    }
    if folders.contains("package") {
        programs.tidings = binary::release(root, &mut steps);
        programs.packages = Some(binary::debian_packages(root, &tools, &mut steps));
    }
    let run = Run { root, options, selection, binaries, programs, tools };
    let times = options.times.map_or(1, NonZeroU32::get);
    for time in 1..=times {
        if times > 1 {
            println!("\n── {time} of {times}");
        }
        run.test(&mut steps);
    }
    let skipped = if options.name.is_some() { Skipped::Expected } else { Skipped::Failed };
    steps.finish(begin.elapsed(), skipped)
}

/// Everything that has been built, and is run as often as is wanted.
struct Run<'a> {
    root: &'a Path,
    options: &'a Options,
    selection: Selection,
    binaries: Vec<Binary>,
    programs: Programs,
    tools: Tools,
}

impl Run<'_> {
    fn test(&self, steps: &mut Steps) {
        for Binary { executable, folder, names } in &self.binaries {
            let mut command = Command::new(executable);
            command.args(names.iter().filter(|name| !name.is_empty()));
            // As cargo runs them.
            command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
            steps.run("crates", Counting::Cargo, command);
        }
        if !self.selection.web.is_empty() {
            let mut vitest = npm(&self.root.join("web"), &["test", "--silent", "--"]);
            vitest.args(&self.selection.web);
            vitest.args(self.options.name.iter().flat_map(|name| ["-t", name]));
            steps.run("web", Counting::Vitest, vitest);
        }
        for (folder, files) in &self.selection.binary {
            let mut node = self.programs.node(self.root, folder, &self.tools);
            node.args(self.options.name.iter().map(|name| format!("--test-name-pattern={name}")));
            node.args(files);
            steps.run(binary::name_of(folder), Counting::Node, node);
        }
    }
}

/// Builds the test binaries of the selected targets.
fn build(root: &Path, selection: &Selection, package: Option<&str>) -> Result<Vec<Binary>, String> {
    if selection.rust.is_empty() {
        return Ok(Vec::new());
    }
    let targets: BTreeSet<&Target> = selection.rust.keys().map(|(_, target)| target).collect();
    let mut arguments = match package {
        Some(package) => vec!["--package", package],
        None => vec!["--workspace"],
    };
    for target in targets {
        match target {
            Target::Unit => arguments.extend(["--lib", "--bins"]),
            Target::Integration(name) => arguments.extend(["--test", name]),
        }
    }
    let mut binaries = Vec::new();
    for TestBinary { executable, folder, integration, .. } in built::test_binaries(root, &arguments)? {
        let target = integration.map_or(Target::Unit, Target::Integration);
        if let Some(names) = selection.rust.get(&(folder.clone(), target)) {
            binaries.push(Binary { executable, folder, names: names.clone() });
        }
    }
    binaries.sort_by(|a, b| a.executable.cmp(&b.executable));
    Ok(binaries)
}
