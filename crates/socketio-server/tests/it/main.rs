//! The server over real sockets: every test starts one on a free port and speaks to it as a client would.
//!
//! Nothing sleeps: tests wait for packets, answers and events, and protocol times are shortened by configuration.
//! That something does *not* arrive is shown by a fence, an event whose answer comes after everything before it.

mod harness;

mod acks;
mod axum;
mod binary;
mod bundle;
mod cors;
mod crowded;
mod disconnects;
mod encryption;
mod engine_errors;
mod events;
mod fairness;
mod feed_cursor;
mod feed_model;
mod feed_rooms;
mod feeds;
mod handlers;
mod heartbeat;
mod hostile_http;
mod hostile_packets;
mod hostile_websockets;
mod hosts;
mod http_connections;
mod middleware;
mod namespaces;
mod new_sessions;
mod pacing;
mod polling;
mod polling_clocks;
mod polling_packets;
mod recovery;
mod recovery_contested;
mod recovery_hostile;
mod recovery_users;
mod replay_pace;
mod rooms;
mod session_ends;
mod shutdown;
mod slow_consumers;
mod spans;
mod strangers;
mod upgrade;
mod websockets;
