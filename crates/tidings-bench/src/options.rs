//! The command line of `tidings-bench`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measure a chat: Tidings, or another server with the contract of the Socket.IO tutorial
#[derive(Debug, Parser)]
#[command(name = "tidings-bench", version)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) workload: Workload,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workload {
    /// Some clients write, and everybody receives it
    Fanout(Fanout),
    /// Many small rooms; the server needs the events `join room` and `room message`
    Rooms(Rooms),
    /// All clients are connected and idle: the cost of a connection
    Idle(Idle),
    /// Clients connect and are disconnected, again and again
    Connect(Connect),
    /// All clients request the whole history at once
    Replay(Replay),
    /// All clients are disconnected at once and reconnect while others write
    Storm(Storm),
    /// How long Tidings takes to start
    Start(Start),
    /// Many clients write, each after the ack of its last message
    Ingest(Ingest),
    /// Everybody behaves: what they notice of an attack that runs at the same time
    Polite(Polite),
    /// Attack a server on this machine, and say what was sent
    Hostile(Hostile),
}

/// What is measured, and where things run.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    /// Measure the chat at this URL. By default, Tidings is started for this run, with an empty data folder
    #[arg(long, value_name = "URL", conflicts_with = "server")]
    pub(crate) url: Option<String>,

    /// Process of the server at the URL, to measure its cost, with its children
    #[arg(long, value_name = "PID", requires = "url")]
    pub(crate) server_pid: Option<u32>,

    /// Certificate to trust at a URL with https, a PEM file
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) ca: Option<PathBuf>,

    /// Start Tidings with a certificate of this run's own, and connect over TLS
    #[arg(long, conflicts_with_all = ["url", "server"])]
    pub(crate) tls: bool,

    /// Start Tidings with metrics, and read them once a second
    #[arg(long, conflicts_with_all = ["url", "server"])]
    pub(crate) metrics: bool,

    /// Command that starts another server; it must print a line with its http:// address
    #[arg(long, value_name = "COMMAND")]
    pub(crate) server: Option<String>,

    /// Processor core for the server
    #[arg(long, value_name = "CPU")]
    pub(crate) pin_server: Option<usize>,

    /// Processor core for the clients
    #[arg(long, value_name = "CPU")]
    pub(crate) pin_client: Option<usize>,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fanout {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections, the senders among them
    #[arg(long, default_value_t = 1_000)]
    pub(crate) clients: usize,
    /// Further connections that stay with long-polling; they only listen
    #[arg(long, default_value_t = 0)]
    pub(crate) polling: usize,
    /// Messages under way at any time: sent, and not yet received by everybody
    #[arg(long, default_value_t = 1)]
    pub(crate) in_flight: usize,
    /// Clients that write, at most one for each message in flight
    #[arg(long, default_value_t = 8)]
    pub(crate) senders: usize,
    /// Messages a second, instead of a fixed number in flight
    #[arg(long, conflicts_with = "in_flight")]
    pub(crate) rate: Option<u32>,
    /// First measure the server's maximum rate, then send this percentage of it
    #[arg(long, value_name = "PERCENT", conflicts_with_all = ["in_flight", "rate"])]
    pub(crate) load: Option<u32>,
    /// Duration of the measurement, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Rooms {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Number of connections
    #[arg(long, default_value_t = 10_000)]
    pub(crate) clients: usize,
    /// Rooms, which the connections share out among them
    #[arg(long = "rooms", value_name = "ROOMS", default_value_t = 1_000)]
    pub(crate) count: usize,
    /// Messages a second, in all rooms together
    #[arg(long, default_value_t = 2_000)]
    pub(crate) rate: u32,
    /// Duration of the measurement, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Number of connections
    #[arg(long, default_value_t = 10_000)]
    pub(crate) clients: usize,
    /// Duration of the measurement; the default includes a heartbeat of each connection
    #[arg(long, default_value_t = 30)]
    pub(crate) seconds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections before they are cut
    #[arg(long, default_value_t = 1_000)]
    pub(crate) clients: usize,
    /// Connections a second, at most, so that the client is not the bottleneck
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    /// Duration of the measurement
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections that ask for the history
    #[arg(long, default_value_t = 1_000)]
    pub(crate) clients: usize,
    /// Messages in the history
    #[arg(long, default_value_t = 500)]
    pub(crate) messages: usize,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Storm {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections that are cut
    #[arg(long, default_value_t = 10_000)]
    pub(crate) clients: usize,
    /// Clients that are not cut, and write in turn
    #[arg(long, default_value_t = 50)]
    pub(crate) senders: usize,
    /// Messages a second that they write together
    #[arg(long, default_value_t = 50)]
    pub(crate) rate: u32,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Messages in its log
    #[arg(long, default_value_t = 0)]
    pub(crate) messages: usize,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
    /// Number of starts
    #[arg(long, default_value_t = 10)]
    pub(crate) runs: u32,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections, each with one message under way
    #[arg(long, default_value_t = 50)]
    pub(crate) senders: usize,
    /// Duration of the measurement, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Polite {
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections that receive every message
    #[arg(long, default_value_t = 500)]
    pub(crate) clients: usize,
    /// Of these, so many write in turn
    #[arg(long, default_value_t = 50)]
    pub(crate) senders: usize,
    /// Messages a second that they write together
    #[arg(long, default_value_t = 20)]
    pub(crate) rate: u32,
    /// Further connections that ask for the history of the lobby, four times a second each; the server must be Tidings
    #[arg(long, default_value_t = 10)]
    pub(crate) readers: u32,
    /// Addresses of this machine that the connections come from, in turn; 0 leaves it to the system
    #[arg(long, default_value_t = 0)]
    pub(crate) sources: u32,
    /// Duration of the measurement
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Size of a message
    #[arg(long, default_value_t = 72)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Hostile {
    /// What the sockets do
    #[arg(value_enum)]
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) server: Subject,
    /// Connections that attack at the same time
    #[arg(long, default_value_t = 30)]
    pub(crate) sockets: usize,
    /// Address of this machine that they come from
    #[arg(long, value_name = "ADDR")]
    pub(crate) source: Option<std::net::IpAddr>,
    /// Duration of the attack
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
}

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Empty pings
    Pings,
    /// Pongs, answers and events that nobody waits for
    Strays,
    /// Leave the namespace and join it again
    Joins,
    /// A message of almost 1 MB that never ends
    Unfinished,
    /// Connect and send nothing
    Silent,
    /// Ask for all messages again and again, and read slowly
    SlowReads,
    /// Ask for what is expensive: pages around a message, changes, unread messages of a hundred rooms
    Requests,
    /// Create rooms
    Rooms,
    /// Change one's name
    Names,
    /// Ask for codes of links
    Links,
    /// Guess codes of invites
    Invites,
}

impl Workload {
    /// The server that is measured; none if it is the start of Tidings.
    pub(crate) fn server(&self) -> Option<&Subject> {
        Some(match self {
            Self::Start(_) => return None,
            Self::Fanout(fanout) => &fanout.server,
            Self::Rooms(rooms) => &rooms.server,
            Self::Idle(idle) => &idle.server,
            Self::Connect(connect) => &connect.server,
            Self::Replay(replay) => &replay.server,
            Self::Storm(storm) => &storm.server,
            Self::Ingest(ingest) => &ingest.server,
            Self::Polite(polite) => &polite.server,
            Self::Hostile(hostile) => &hostile.server,
        })
    }

    pub(crate) fn prints_json(&self) -> bool {
        match self {
            Self::Start(start) => start.json,
            Self::Fanout(_)
            | Self::Rooms(_)
            | Self::Idle(_)
            | Self::Connect(_)
            | Self::Replay(_)
            | Self::Storm(_)
            | Self::Ingest(_)
            | Self::Polite(_)
            | Self::Hostile(_) => self.server().is_some_and(|server| server.json),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Fanout(_) => "fanout",
            Self::Rooms(_) => "rooms",
            Self::Idle(_) => "idle",
            Self::Connect(_) => "connect",
            Self::Replay(_) => "replay",
            Self::Storm(_) => "storm",
            Self::Start(_) => "start",
            Self::Ingest(_) => "ingest",
            Self::Polite(_) => "polite",
            Self::Hostile(_) => "hostile",
        }
    }
}
