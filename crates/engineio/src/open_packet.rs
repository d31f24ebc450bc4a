//! The open packet, which tells a client about its new session.
//!
//! Owns the exact text, because official clients and test suites compare the keys: these five, in this order, and no
//! others. The caller makes the session id.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::packet::PacketKind;
use crate::redacted::Redacted;
use crate::transport::TransportKind;

/// The content of the open packet.
///
/// ```
/// use engineio::{Config, OpenPacket, TransportKind};
///
/// let config = Config::default();
/// let open_packet = OpenPacket {
///     sid: "k3Gq",
///     upgrades: TransportKind::Polling.upgrades(),
///     ping_interval: config.ping_interval,
///     ping_timeout: config.ping_timeout,
///     max_payload: config.max_payload,
/// };
/// assert_eq!(
///     open_packet.encode(),
///     r#"0{"sid":"k3Gq","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenPacket<'a> {
    /// The id of the session. It is a secret of the client, so `Debug` does not show it.
    pub sid: &'a str,
    /// The transports to which the client may upgrade.
    pub upgrades: &'a [TransportKind],
    /// See [`Config::ping_interval`](crate::Config::ping_interval).
    #[serde(serialize_with = "milliseconds")]
    pub ping_interval: Duration,
    /// See [`Config::ping_timeout`](crate::Config::ping_timeout).
    #[serde(serialize_with = "milliseconds")]
    pub ping_timeout: Duration,
    /// See [`Config::max_payload`](crate::Config::max_payload).
    pub max_payload: usize,
}

impl OpenPacket<'_> {
    /// The whole packet, including the type digit.
    pub fn encode(&self) -> String {
        let json = serde_json::to_string(self).expect("strings and numbers are always JSON");
        format!("{}{json}", PacketKind::Open.as_str())
    }
}

impl fmt::Debug for OpenPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenPacket")
            .field("sid", &Redacted)
            .field("upgrades", &self.upgrades)
            .field("ping_interval", &self.ping_interval)
            .field("ping_timeout", &self.ping_timeout)
            .field("max_payload", &self.max_payload)
            .finish()
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
