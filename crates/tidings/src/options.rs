//! The command line. Every option of `serve` can also be set by an environment variable.
//!
//! `--help` is the reference; docs/running.md repeats it for people who have not installed anything yet.

mod pairs;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use socketio_server::{HostPattern, OriginPattern, TrustedProxies};
use tidings::limits::{Bounds, Change};
use tidings::memory::Memory;
use tidings::similar::similar;

pub(crate) use self::tls::TlsOptions;
use crate::logging::Format;

/// The recipes of docs/proxy.md; a test compares them.
const PROXIES: &str = "\
Behind a proxy, with --host chat.example --trusted-proxy 127.0.0.1 (more in docs/proxy.md):

  nginx, in a `server` with TLS:
    location / {
      proxy_pass http://127.0.0.1:3000;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection \"upgrade\";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }

  haproxy, with `mode http` and timeouts in `defaults`:
    frontend chat
      bind :443 ssl crt /etc/ssl/chat.pem
      http-request set-header X-Forwarded-Proto https
      default_backend tidings
    backend tidings
      option forwardfor
      server tidings 127.0.0.1:3000";

/// A chat server in one binary. It never loses, duplicates or reorders a message.
///
/// Without a command, it serves the chat. Any Socket.IO 4 client can connect.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, args_conflicts_with_subcommands = true, after_long_help = PROXIES)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the chat (the default)
    #[command(after_long_help = PROXIES)]
    Serve(Box<Serve>),
    /// Take over the database of the Socket.IO tutorial's server; its pages continue where they were
    Import(Import),
    /// Copy the chat into one file, also while the server runs
    Backup(Backup),
    /// Put a backup into a new or empty data folder
    Restore(Restore),
    /// Check every row of the chat or of a backup, and print counts; exits with 1 if something is wrong
    Verify(Verify),
    /// Put damaged rows back from a backup, or give them up; without an option, only say which they are
    Repair(Repair),
    /// Print all limits of a server, what they are by default, and what happens beyond them
    Limits,
    /// From the next start, sign recovery ids and invites with a new key. Old ones stay valid, unless --revoke is given
    RotateKey(RotateKey),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on, such as 0.0.0.0:3000 for all networks. Repeat it, or use commas, for several addresses
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "TIDINGS_LISTEN",
        default_value = "127.0.0.1:3000",
        value_delimiter = ',',
        value_parser = listener,
        action = clap::ArgAction::Append
    )]
    pub(crate) listen: Vec<SocketAddr>,

    #[command(flatten)]
    pub(crate) data: Data,

    /// Start with sample people, rooms and messages in a temporary folder, which is deleted at the end
    #[arg(long, env = "TIDINGS_DEMO", value_parser = switch("TIDINGS_DEMO"))]
    pub(crate) demo: bool,

    /// Serve the pages of this folder at / instead of the built-in app
    #[arg(long, value_name = "DIR", env = "TIDINGS_PAGES", value_parser = folder)]
    pub(crate) pages: Option<PathBuf>,

    /// Serve the chat under this name: `chat.example`, `*.chat.example` for its subdomains, `*` for every name. IP
    /// addresses, `localhost`, the name of this machine, names that end in `.local` and the hosts of --origin need no
    /// option. Repeat it, or use commas, for several names
    #[arg(long, value_name = "NAME", env = "TIDINGS_HOST", value_delimiter = ',')]
    pub(crate) host: Vec<HostPattern>,

    /// Let pages of another origin connect: `https://chat.example`, `https://*.chat.example` for its subdomains, `null`
    /// or `file://` for pages from disk, `*` for all. Repeat it, or use commas, for several origins
    #[arg(long, value_name = "URL", env = "TIDINGS_ORIGIN", value_delimiter = ',')]
    pub(crate) origin: Vec<OriginPattern>,

    /// Believe the X-Forwarded-For, -Proto and -Host headers of the proxy at this address or in this network. Repeat
    /// it, or use commas, for several proxies
    #[arg(long, value_name = "NET", env = "TIDINGS_TRUSTED_PROXY", value_delimiter = ',')]
    pub(crate) trusted_proxy: Vec<TrustedProxies>,

    /// Change a limit, such as requests-per-person=64; `tidings limits` lists them. Repeat it, or use commas, for several
    /// limits
    #[arg(long, value_name = "NAME=VALUE", env = "TIDINGS_LIMIT", value_delimiter = ',')]
    pub(crate) limit: Vec<Change>,
    /// Apply rate limits to clients on this machine too. Without it, bots and tests on the loopback addresses are not slowed
    /// down
    #[arg(long, env = "TIDINGS_LIMIT_LOOPBACK", value_parser = switch("TIDINGS_LIMIT_LOOPBACK"))]
    pub(crate) limit_loopback: bool,

    /// Get by with so much memory, from 32M to 1024G, such as 192M or 1G. It has shares for the newest messages, for unfinished
    /// input, for what waits for the disk, and for pages of the database
    #[arg(long, value_name = "SIZE", env = "TIDINGS_MEMORY", default_value = "192M")]
    pub(crate) memory: Memory,

    /// Serve metrics for Prometheus at http://ADDR:PORT/metrics; a port alone stands for 127.0.0.1. Anybody who reaches the
    /// address can read them
    #[arg(long, value_name = "ADDR:PORT", env = "TIDINGS_METRICS", value_parser = metrics)]
    pub(crate) metrics: Option<SocketAddr>,

    /// Write the log for people, or as one JSON object a line
    #[arg(long, value_name = "FORMAT", env = "TIDINGS_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: Format,

    #[command(flatten)]
    pub(crate) tls: TlsOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Database file of the tutorial's server, with its table `messages`
    #[arg(value_name = "CHAT.DB")]
    pub(crate) database: PathBuf,

    #[command(flatten)]
    pub(crate) data: NewData,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// File to create; an existing file is not overwritten
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) data: ChatData,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Backup file, made by `tidings backup`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) data: NewData,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Backup to check instead of the data folder
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) data: ChatData,
}

#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// Put back what this backup has, as it would stand there now
    #[arg(long, value_name = "BACKUP")]
    pub(crate) from: Option<PathBuf>,

    /// Have what is still damaged say so for good; `tidings verify` finds no fault then
    #[arg(long)]
    pub(crate) give_up: bool,

    #[command(flatten)]
    pub(crate) data: ChatData,
}

#[derive(Debug, Args)]
pub(crate) struct RotateKey {
    /// End everything that older keys have signed, for example after a backup was stolen. People whose only token is from
    /// before there were sign-ins cannot come back
    #[arg(long)]
    pub(crate) revoke: bool,

    #[command(flatten)]
    pub(crate) data: ChatData,
}

/// The option `--data`, in the words of the commands that have it.
macro_rules! data {
    ($name:ident, $help:literal) => {
        #[derive(Debug, Args)]
        pub(crate) struct $name {
            #[doc = $help]
            #[arg(long = "data", value_name = "DIR", env = "TIDINGS_DATA", default_value = "tidings-data")]
            pub(crate) folder: PathBuf,
        }
    };
}

data!(Data, "Data folder; created if it does not exist");
data!(NewData, "Data folder, new or empty; created if it does not exist");
data!(ChatData, "Data folder of the chat");

impl Options {
    /// How the log is written.
    pub(crate) fn log_format(&self) -> Format {
        self.served().map_or_else(Format::default, |serve| serve.log_format)
    }

    /// How many lines of one kind the log has in a second.
    pub(crate) fn log_lines_per_second(&self) -> usize {
        let mut bounds = Bounds::default();
        self.served().into_iter().flat_map(|serve| &serve.limit).for_each(|change| change.apply(&mut bounds));
        bounds.log_lines_per_second
    }

    fn served(&self) -> Option<&Serve> {
        match &self.command {
            None => Some(&self.serve),
            Some(Command::Serve(serve)) => Some(serve),
            Some(_) => None,
        }
    }

    /// Reads the command line and the environment. Ends the process if they are wrong, or if they ask for help.
    pub(crate) fn read() -> Self {
        let matches = Self::command().try_get_matches().unwrap_or_else(|err| with_advice(err).exit());
        let serve = match matches.subcommand() {
            None => Some(&matches),
            Some(("serve", serve)) => Some(serve),
            Some(_) => None,
        };
        if let Some(why) = serve.and_then(pairs::fault) {
            clap::Error::raw(ErrorKind::ArgumentConflict, format!("{why}\n")).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|err| err.exit())
    }
}

/// An address to listen on. A name such as `localhost` stands for several addresses, so it is rejected.
pub(crate) fn listener(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give an address and a port, such as 127.0.0.1:3000 or 0.0.0.0:3000")
}

/// An address for monitors. A port alone is one of this machine.
fn metrics(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let error = "give a port of this machine, such as 9464, or an address and a port, such as 127.0.0.1:9464";
    port.or_else(|_| text.parse()).map_err(|_| error)
}

/// A folder that can be read.
fn folder(path: &str) -> Result<PathBuf, String> {
    std::fs::read_dir(path).map_err(|err| format!("give a folder with an index.html, not this: {err}"))?;
    Ok(path.into())
}

/// Reads the environment variable of an option without a value.
fn switch(variable: &'static str) -> impl Fn(&str) -> Result<bool, String> + Clone + Send + Sync + 'static {
    move |text| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "t" | "y" => Ok(true),
        "false" | "no" | "off" | "0" | "f" | "n" => Ok(false),
        _ => Err(format!("set {variable} to true, yes, on or 1, or to false, no, off or 0")),
    }
}

/// The only conflict of the grammar is an option of the server before the name of a command.
fn with_advice(mut error: clap::Error) -> clap::Error {
    let advice = match error.kind() {
        ErrorKind::ArgumentConflict => "put the option after the name of the command".to_owned(),
        ErrorKind::InvalidSubcommand => {
            let command = Options::command();
            let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            format!("the commands are {}", names.join(", "))
        }
        _ => return error,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    error
}

/// Variables that are set and not known, each with the known one that is like it.
pub(crate) fn slips(set: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let command = Options::command();
    let variables = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    let known: Vec<&str> = variables.chain([crate::logging::VARIABLE]).collect();
    let unknown = set.filter(|name| name.starts_with("TIDINGS_") && !known.contains(&name.as_str()));
    unknown
        .filter_map(|name| {
            similar(&name, known.iter().copied()).map(str::to_owned).map(|meant| (name, meant))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_memory_is_the_documented_one_unless_it_is_given() {
        let memory = |args: &[&str]| Options::try_parse_from(args).unwrap().serve.memory;
        assert_eq!(memory(&["tidings"]), Memory::default());
        assert_eq!(memory(&["tidings", "--memory", "1G"]), "1024M".parse().unwrap());
    }

    #[test]
    fn several_listeners_are_several_options() {
        let options =
            Options::try_parse_from(["tidings", "--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2"]);
        assert_eq!(options.map(|options| options.serve.listen.len()).ok(), Some(2));
    }

    #[test]
    fn a_listener_that_is_none_is_refused_with_an_example() {
        for bad in ["localhost:3000", "3000", "127.0.0.1"] {
            let error =
                Options::try_parse_from(["tidings", "--listen", bad]).map(drop).unwrap_err().to_string();
            assert!(error.contains("such as 127.0.0.1:3000 or 0.0.0.0:3000"), "{error}");
        }
    }

    #[test]
    fn bad_values_are_usage_errors() {
        for bad in [
            ["--listen", "3000"],
            ["--host", "https://chat.example"],
            ["--origin", "chat.example"],
            ["--trusted-proxy", "10.0.0.0/40"],
            ["--memory", "8M"],
            ["--limit", "unjoined-percent=150"],
        ] {
            let error = Options::try_parse_from(["tidings"].into_iter().chain(bad))
                .map(drop)
                .map_err(|err| err.exit_code());
            assert_eq!(error, Err(2), "{bad:?}");
        }
    }

    #[test]
    fn an_option_before_a_command_belongs_after_it() {
        let error =
            Options::command().try_get_matches_from(["tidings", "--data", "d", "verify"]).unwrap_err();
        let text = with_advice(error).to_string();
        assert!(text.contains("put the option after the name of the command"), "{text}");
    }

    #[test]
    fn a_command_that_is_none_is_told_which_there_are() {
        let error = Options::command().try_get_matches_from(["tidings", "start"]).unwrap_err();
        let text = with_advice(error).to_string();
        assert!(text.contains("the commands are serve, import, backup"), "{text}");
    }

    #[test]
    fn a_variable_with_a_slip_is_recognised_and_those_of_others_are_left_alone() {
        let set = ["TIDINGS_HSOT", "TIDINGS_HOST", "TIDINGS_LOG", "TIDINGS_BIN", "HOST", "TIDINGS_LGO"];
        let found = slips(set.iter().map(|name| (*name).to_owned()));
        let expected = [("TIDINGS_HSOT", "TIDINGS_HOST"), ("TIDINGS_LGO", "TIDINGS_LOG")];
        assert_eq!(found, expected.map(|(name, meant)| (name.to_owned(), meant.to_owned())));
    }

    #[test]
    fn a_switch_that_is_none_names_its_variable_and_its_words() {
        assert_eq!(
            ["YES", "on", "1", "off", "0", "False"].map(switch("TIDINGS_DEMO")),
            [Ok(true), Ok(true), Ok(true), Ok(false), Ok(false), Ok(false)]
        );
        assert!(switch("TIDINGS_DEMO")("maybe").unwrap_err().contains("TIDINGS_DEMO to true"));
    }

    #[test]
    fn commands_describe_their_data_folder_in_their_own_words() {
        let mut command = Options::command();
        let mut help = |name: &str| {
            let command =
                if name.is_empty() { &mut command } else { command.find_subcommand_mut(name).unwrap() };
            let folder = command.get_arguments().find(|arg| arg.get_long() == Some("data")).unwrap();
            folder.get_help().unwrap().to_string()
        };
        for makes_one in ["", "serve"] {
            assert_eq!(help(makes_one), "Data folder; created if it does not exist");
        }
        for fills_one in ["import", "restore"] {
            assert_eq!(help(fills_one), "Data folder, new or empty; created if it does not exist");
        }
        for needs_one in ["backup", "verify", "repair", "rotate-key"] {
            assert_eq!(help(needs_one), "Data folder of the chat");
        }
    }

    #[test]
    fn every_option_has_a_variable_and_is_documented() {
        let page = include_str!("../../../docs/running.md");
        let command = Options::command();
        let added_by_clap = |name: &str| matches!(name, "help" | "version");
        for option in command.get_arguments().filter(|arg| !added_by_clap(arg.get_id().as_str())) {
            let long = option.get_long().unwrap();
            let variable = format!("TIDINGS_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(option.get_env().and_then(|name| name.to_str()), Some(&*variable), "--{long}");
            let row = page.lines().find(|line| line.starts_with(&format!("| `--{long}")));
            assert!(row.is_some_and(|row| row.contains(&variable)), "docs/running.md, --{long}");
        }
    }

    #[test]
    fn every_command_is_documented() {
        let page = include_str!("../../../docs/running.md");
        for command in Options::command().get_subcommands().filter(|command| command.get_name() != "serve") {
            let line = format!("| `tidings {}", command.get_name());
            assert!(page.contains(&line), "docs/running.md, {}", command.get_name());
        }
    }
}
