//! Installs what the tests need beside cargo: Node packages, a browser, Python packages.
//!
//! Programs of the system are installed with apt-get if that is possible (as root); otherwise the error says what to
//! install. Everything else stays in the checkout: `node_modules` and `.venv` in tests/.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

const CHROMIUM_PLACES: [&str; 3] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// The paths that tests are told about.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) chromium: Option<PathBuf>,
    pub(super) python: Option<PathBuf>,
    /// Where cargo finds its additional commands.
    pub(super) path: OsString,
    /// The folder for builds on the way.
    pub(super) folder: PathBuf,
}

/// Additional commands of cargo, in pinned versions.
const CARGO_COMMANDS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-deb", "3.8.0")];

/// Something that tests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// The Node packages of web/.
    Web,
    /// Node, its packages in tests/, and the programs that these tests start.
    Tests,
    Chromium,
    Python,
    CargoCommands,
}

impl Need {
    pub(super) const ALL: [Self; 5] =
        [Self::Web, Self::Tests, Self::Chromium, Self::Python, Self::CargoCommands];

    /// What the tests of a folder of tests/ need.
    pub(super) fn of(folder: &str) -> &'static [Self] {
        match folder {
            "browser" => &[Self::Tests, Self::Chromium],
            "package" => &[Self::Tests, Self::CargoCommands],
            _ => &[Self::Tests, Self::Python],
        }
    }
}

/// The programs of the system that tests start, each with an argument with which it only tells its version, and its package.
const PROGRAMS: [(&str, &str, &str); 7] = [
    ("g++", "--version", "g++"),
    ("strace", "--version", "strace"),
    ("openssl", "version", "openssl"),
    ("nginx", "-v", "nginx"),
    ("haproxy", "-v", "haproxy"),
    ("pebble", "-version", "pebble"),
    ("promtool", "--version", "prometheus"),
];

/// Checks for what is needed, and installs what is missing.
pub(super) fn prepare(root: &Path, needs: &[Need]) -> Result<Tools, String> {
    let needs = |need: Need| needs.contains(&need);
    let node = [
        ("node", "Node.js 20.19+ or 22.12+: https://nodejs.org, or your system's packages"),
        (NPM, "npm, which comes with Node.js; some systems package it separately"),
    ];
    let python = [("python3", "Python 3.9 or newer")];
    let node = node.iter().filter(|_| needs(Need::Web) || needs(Need::Tests));
    for (tool, advice) in node.chain(python.iter().filter(|_| needs(Need::Python))) {
        if !succeeds(Command::new(tool).arg("--version")) {
            return Err(format!("`{tool} --version` did not run. Please install {advice}."));
        }
    }
    let tests = root.join("tests");
    if needs(Need::Web) {
        install_packages_of_the_app(&root.join("web"))?;
    }
    if needs(Need::Tests) {
        install_node_packages(&tests)?;
    }
    let chromium = needs(Need::Chromium).then(find_chromium).transpose()?;
    let python = needs(Need::Python).then(|| install_python_packages(&tests)).transpose()?;
    for (tool, version, package) in PROGRAMS.iter().filter(|_| needs(Need::Tests)) {
        // Proxies are often outside the path of an ordinary user.
        let found = Path::new("/usr/sbin").join(tool).exists();
        if !found && !succeeds(Command::new(tool).arg(version)) {
            install_from_system(package)?;
        }
    }
    let folder = tools_folder(root);
    let path = if needs(Need::CargoCommands) {
        install_cargo_commands(&folder, &CARGO_COMMANDS)?
    } else {
        OsString::new()
    };
    Ok(Tools { chromium, python, path, folder })
}

/// Where additional commands of cargo are installed.
pub(crate) fn tools_folder(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(target).join("tools")
}

/// The test files of a folder, in order.
pub(crate) fn test_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    files
}

/// As the build script of the binary does, with which it shares the lock.
fn install_packages_of_the_app(web: &Path) -> Result<(), String> {
    let lock = File::create(web.join(".install-lock")).map_err(|err| format!("web/.install-lock: {err}"))?;
    lock.lock().map_err(|err| format!("web/.install-lock: {err}"))?;
    let stamp = web.join("node_modules/.installed-lock.json");
    once_per_content(&web.join("package-lock.json"), &stamp, || {
        println!("installing the Node packages of web/");
        let mut npm = Command::new(NPM);
        must_succeed(npm.args(["ci", "--include=dev", "--no-audit", "--no-fund"]).current_dir(web))
    })
}

fn install_node_packages(tests: &Path) -> Result<(), String> {
    let stamp = tests.join("node_modules/.installed-lock.json");
    once_per_content(&tests.join("package-lock.json"), &stamp, || {
        println!("installing the Node packages of tests/");
        let mut npm = Command::new(NPM);
        npm.args(["ci", "--include=dev", "--no-audit", "--no-fund"]).current_dir(tests);
        must_succeed(&mut npm)
    })
}

fn find_chromium() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(PathBuf::from(named));
    }
    let found = || CHROMIUM_PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    if let Some(path) = found() {
        return Ok(path);
    }
    install_from_system("chromium")?;
    found().ok_or_else(|| {
        "Chromium was installed, but not to where it was expected. Name it in CHROMIUM.".into()
    })
}

fn install_python_packages(tests: &Path) -> Result<PathBuf, String> {
    let environment = tests.join(".venv");
    let python = environment.join("bin/python");
    let requirements = tests.join("python/requirements.txt");
    once_per_content(&requirements, &environment.join("installed-requirements.txt"), || {
        println!("installing the Python packages of tests/");
        // Debian's Python has `venv`, but lacks what installs pip in the environment.
        if !succeeds(Command::new("python3").args(["-c", "import ensurepip"])) {
            install_from_system("python3-venv")?;
        }
        must_succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        must_succeed(Command::new(&python).args(pip).arg(&requirements))
    })?;
    Ok(python)
}

/// Installs the commands, and returns a search path with all of them. They are built quickly, not well.
pub(crate) fn install_cargo_commands(folder: &Path, commands: &[(&str, &str)]) -> Result<OsString, String> {
    let bin = folder.join("bin");
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&old)))
        .map_err(|err| format!("{}: {err}", folder.display()))?;
    for (name, version) in commands {
        // Not every one answers without being called by cargo.
        let called = name.strip_prefix("cargo-").unwrap_or(name);
        if succeeds(Command::new("cargo").args([called, "--version"]).env("PATH", &path)) {
            continue;
        }
        println!("installing {name}");
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--quiet", "--locked", "--debug", "--version", version, "--root"]);
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
        cargo.arg(folder).arg("--target-dir").arg(folder.join("build")).arg(name);
        must_succeed(&mut cargo)?;
    }
    // They share nothing with later builds.
    let _ = fs::remove_dir_all(folder.join("build"));
    Ok(path)
}

/// Installs, unless the stamp shows that exactly this content was installed before.
fn once_per_content(
    source: &Path,
    stamp: &Path,
    install: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let wanted = fs::read(source).map_err(|err| format!("{}: {err}", source.display()))?;
    if fs::read(stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(stamp, wanted).map_err(|err| format!("{}: {err}", stamp.display()))
}

fn install_from_system(package: &str) -> Result<(), String> {
    let advice = format!("Please install {package} from your system's packages.");
    let id = Command::new("id").arg("-u").output().map(|output| output.stdout).unwrap_or_default();
    if id.trim_ascii() != b"0" || !succeeds(Command::new("apt-get").arg("--version")) {
        return Err(advice);
    }
    println!("installing {package} with apt-get");
    let install = || {
        let mut apt = Command::new("apt-get");
        apt.args(["install", "--yes", "--no-install-recommends", package])
            .env("DEBIAN_FRONTEND", "noninteractive")
            // No installed package is started as a service.
            .env("RUNLEVEL", "1");
        must_succeed(&mut apt)
    };
    // A fresh machine has empty package lists.
    install()
        .or_else(|_| must_succeed(Command::new("apt-get").arg("update")).and_then(|()| install()))
        .map_err(|err| format!("{err}\n{advice}"))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn must_succeed(command: &mut Command) -> Result<(), String> {
    let words: Vec<OsString> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsString::from).collect();
    let line = words.join(" ".as_ref()).to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}.")),
        Err(err) => Err(format!("`{line}` did not run: {err}.")),
    }
}
