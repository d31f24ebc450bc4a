//! Builds the web page and gathers the official client bundle, for `src/assets.rs` to embed.
//!
//! Runs npm in `web/`, with all output below `OUT_DIR`: `npm ci` when the lock file is not the one that was installed
//! last, `npm run build` whenever cargo says that an input has changed. Nothing is skipped quietly: without npm there
//! is no binary, unless `TIDINGS_WEB=skip` asks for one without pages. Knows nothing of what the files are for;
//! `web/scripts/build.mjs` says how each is to be served.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Everything in `web/` that is there on every machine is an input, but for these.
const NO_INPUTS: [&str; 4] = ["node_modules", "dist", "tests", "coverage"];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nThe web page of tidings was not built.\n{message}\n");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let manifest_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let web = manifest_dir.join("../../web");
    let out = PathBuf::from(variable("OUT_DIR")?);
    directive("rerun-if-changed=build.rs");
    directive("rerun-if-env-changed=TIDINGS_WEB");
    directive("rustc-check-cfg=cfg(without_web)");
    match std::env::var("TIDINGS_WEB").as_deref() {
        Err(_) | Ok("") => {}
        Ok("skip") => return skip(&out),
        Ok(other) => {
            return Err(format!("TIDINGS_WEB is \"{other}\"; the only value it can have is \"skip\"."));
        }
    }
    watch(&web)?;

    check_node()?;
    // Two cargo processes with different target folders share `node_modules`.
    let lock = File::create(web.join(".install-lock")).map_err(|err| format!("web/.install-lock: {err}"))?;
    lock.lock().map_err(|err| format!("web/.install-lock: {err}"))?;
    install(&web)?;
    let assets = out.join("web");
    npm(&web, &["run", "build"], Some(&assets))?;
    let table = generate(&assets)?;
    fs::write(out.join("assets.rs"), table).map_err(|err| format!("assets.rs: {err}"))
}

/// Makes a binary without pages, for those who work on the Rust code alone and have no Node.js.
fn skip(out: &Path) -> Result<(), String> {
    directive("rustc-cfg=without_web");
    directive("warning=TIDINGS_WEB=skip: this binary has no web app and no client bundle");
    let table = "client-version\tnone\n";
    fs::write(out.join("assets.rs"), tables(table)?).map_err(|err| format!("assets.rs: {err}"))
}

fn watch(web: &Path) -> Result<(), String> {
    for input in fs::read_dir(web).map_err(|err| format!("web: {err}"))? {
        let name = input.map_err(|err| format!("web: {err}"))?.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !NO_INPUTS.contains(&&*name) {
            directive(&format!("rerun-if-changed=../../web/{name}"));
        }
    }
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: this program is run by cargo"))
}

fn directive(text: &str) {
    println!("cargo::{text}");
}

fn check_node() -> Result<(), String> {
    const ADVICE: &str = "Node.js 20.19+ or 22.12+, with npm, has to be on the PATH: see https://nodejs.org, or your \
                          system's packages.";
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|err| format!("`node --version` did not run ({err}). {ADVICE}"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if is_enough(major, minor) => Ok(()),
        _ => Err(format!("`node --version` says \"{version}\". {ADVICE}")),
    }
}

/// What Vite, which bundles the page, asks for. As `engines` in web/package.json.
fn is_enough(major: u32, minor: u32) -> bool {
    (major == 20 && minor >= 19) || (major, minor) >= (22, 12)
}

/// Installs the packages of the lock file, unless exactly this lock file has been installed already.
fn install(web: &Path) -> Result<(), String> {
    let wanted =
        fs::read(web.join("package-lock.json")).map_err(|err| format!("web/package-lock.json: {err}"))?;
    let stamp = web.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    npm(web, &["ci", "--include=dev", "--no-audit", "--no-fund"], None)?;
    fs::write(&stamp, wanted).map_err(|err| format!("{}: {err}", stamp.display()))
}

fn npm(web: &Path, arguments: &[&str], out: Option<&Path>) -> Result<(), String> {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(arguments).current_dir(web);
    if let Some(out) = out {
        command.env("TIDINGS_WEB_OUT", out);
    }
    let line = format!("npm {}", arguments.join(" "));
    let output = command.output().map_err(|err| {
        format!("`{line}` did not run ({err}). npm comes with Node.js; some systems package it separately.")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("`{line}` in web/ ended with {}:\n{stdout}{stderr}", output.status))
}

/// Turns the manifest of the web build into the source of the tables of `src/assets.rs`.
fn generate(assets: &Path) -> Result<String, String> {
    let manifest =
        fs::read_to_string(assets.join("manifest.tsv")).map_err(|err| format!("manifest.tsv: {err}"))?;
    tables(&manifest)
}

fn tables(manifest: &str) -> Result<String, String> {
    let mut version = None;
    let mut pages = Vec::new();
    let mut client = Vec::new();
    for line in manifest.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match *fields {
            ["client-version", number] => version = Some(number),
            ["pages", path, ..] => pages.push((path, asset(&fields)?)),
            ["client", path, ..] => client.push((path, asset(&fields)?)),
            _ => return Err(format!("manifest.tsv has an unknown line: {line}")),
        }
    }
    let version = version.ok_or("manifest.tsv names no client version")?;
    let mut source = format!("pub(crate) const CLIENT_VERSION: &str = {version:?};\n");
    for (name, mut table) in [("PAGES", pages), ("CLIENT_FILES", client)] {
        // The lookup is a binary search.
        table.sort_unstable_by_key(|(path, _)| *path);
        let rows: String = table.into_iter().map(|(_, row)| row).collect();
        let _ = writeln!(source, "pub(crate) static {name}: &[Asset] = &[\n{rows}];");
    }
    Ok(source)
}

fn asset(fields: &[&str]) -> Result<String, String> {
    let &[table, path, content_type, etag, freshness, encodings] = fields else {
        return Err(format!("manifest.tsv has a line of {} fields", fields.len()));
    };
    let freshness = match freshness {
        "immutable" => "Freshness::Immutable",
        "revalidate" => "Freshness::Revalidate",
        _ => return Err(format!("manifest.tsv has an unknown freshness: {freshness}")),
    };
    let bytes =
        |suffix: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/web/{table}/{path}{suffix}\"))");
    let sibling = |encoding: &str| {
        if encodings.split(',').any(|known| known == encoding) {
            format!("Some({})", bytes(&format!(".{encoding}")))
        } else {
            "None".to_owned()
        }
    };
    Ok(format!(
        "    Asset {{ path: {path:?}, content_type: {content_type:?}, etag: {etag:?}, freshness: {freshness}, \
         identity: {}, brotli: {}, gzip: {} }},\n",
        bytes(""),
        sibling("br"),
        sibling("gz"),
    ))
}
