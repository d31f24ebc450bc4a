//! The content of an event, an answer or a CONNECT.
//!
//! The JSON stays as received, borrowed where possible. When a program asks for a type, it is read straight into that
//! type. It is known to be valid, so the only remaining fault is that the program expects another type ([`ArgsError`]).

mod arguments;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use crate::binary;
use crate::encode::RawArgs;
use crate::event;
use crate::packet::Body;
use arguments::{Arguments, Missing};

/// The name and the arguments of a received event, or the arguments of an answer.
///
/// ```
/// # use socketio::{Connection, Incoming, Limits, NamespaceName};
/// # let limits = Limits::default();
/// # let mut connection = Connection::new();
/// # connection.on_text("0", &limits)?;
/// # connection.join(&NamespaceName::ROOT, ());
/// let incoming = connection.on_text(r#"2["move",{"x":1},"fast"]"#, &limits)?;
/// let Incoming::Event { payload, .. } = incoming else { unreachable!() };
///
/// #[derive(serde::Deserialize)]
/// struct Point { x: i32 }
///
/// assert_eq!(payload.event_name(), "move");
/// assert_eq!(payload.arg_count(), 2);
/// // A missing argument at the end is `None`, one too many is ignored.
/// let (point, how, why) = payload.args::<(Point, &str, Option<&str>)>().unwrap();
/// assert_eq!((point.x, how, why), (1, "fast", None));
/// let point: Point = payload.first().unwrap();
/// assert!(payload.args::<(Point, u32)>().is_err());
/// assert_eq!(payload.args_json(), r#"{"x":1},"fast""#);
/// # Ok::<(), socketio::Violation>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Payload<'a> {
    json: Cow<'a, str>,
    body: Body,
    attachments: Vec<Bytes>,
}

/// The arguments do not have the expected type. The message may quote them, so send it to the sender, and do not log
/// it.
#[derive(Debug, thiserror::Error)]
#[error("unexpected arguments: {0}")]
pub struct ArgsError(#[from] serde_json::Error);

impl<'a> Payload<'a> {
    pub(crate) fn new(json: impl Into<Cow<'a, str>>, body: Body, attachments: Vec<Bytes>) -> Self {
        Self { json: json.into(), body, attachments }
    }

    /// The name of the event; empty for an answer, which has none. If a number was sent as the name, this is its text.
    pub fn event_name(&self) -> Cow<'_, str> {
        let json = self.name_json();
        event::string(json).unwrap_or(Cow::Borrowed(json))
    }

    /// The number of arguments, not counting the name.
    pub fn arg_count(&self) -> usize {
        self.body.arg_count
    }

    /// The arguments as `T`: for a tuple, one for each field. Missing arguments at the end are null, so a field of type
    /// `Option` may be absent. Extra arguments are ignored.
    ///
    /// It mirrors how `T` is sent: [`Spread<Vec<_>>`](crate::Spread) takes all arguments, `()` takes none, and any
    /// other type, including a `Vec`, takes the first one.
    pub fn args<'s, T: Deserialize<'s>>(&'s self) -> Result<T, ArgsError> {
        Ok(binary::with_attachments(&self.attachments, || T::deserialize(Arguments { payload: self }))?)
    }

    /// The first argument; null if there is none.
    pub fn first<'s, T: Deserialize<'s>>(&'s self) -> Result<T, ArgsError> {
        Ok(binary::with_attachments(&self.attachments, || {
            if self.body.arg_count == 0 {
                T::deserialize(Missing::first())
            } else {
                // The reader stops after one value, so the others cost nothing.
                T::deserialize(&mut serde_json::Deserializer::from_str(self.args_json()))
            }
        })?)
    }

    /// The whole JSON array, including the name if there is one.
    pub fn raw(&self) -> &str {
        &self.json
    }

    /// The arguments as received: comma-separated JSON, without the name.
    pub fn args_json(&self) -> &str {
        let rest = self.json.get(self.body.name_end..).unwrap_or("");
        let rest = rest.trim_end().strip_suffix(']').unwrap_or(rest).trim_ascii();
        // In an event, the comma after its name comes before the first argument.
        if self.name_json().is_empty() {
            rest
        } else {
            rest.strip_prefix(',').unwrap_or(rest).trim_ascii_start()
        }
    }

    /// The attachments, in the order of their numbers.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// A copy that is independent of the message.
    pub fn into_owned(self) -> Payload<'static> {
        Payload { json: Cow::Owned(self.json.into_owned()), body: self.body, attachments: self.attachments }
    }

    /// The name as written in the JSON; empty for an answer.
    pub(crate) fn name_json(&self) -> &str {
        self.body.name_json(&self.json)
    }
}

impl<'p> From<&'p Payload<'_>> for RawArgs<'p> {
    fn from(payload: &'p Payload<'_>) -> Self {
        Self { json: payload.args_json(), attachments: payload.attachments() }
    }
}

impl fmt::Debug for Payload<'_> {
    /// Shows only sizes: the content of messages does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("event_name", &self.event_name())
            .field("arg_count", &self.body.arg_count)
            .field("json_bytes", &self.json.len())
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

/// The `auth` of a client that asks for a namespace: a JSON object, `{}` if it sent none.
///
/// ```
/// # use socketio::{Connection, Incoming, Limits};
/// # let mut connection = Connection::<()>::new();
/// let incoming = connection.on_text(r#"0{"token":"t0p"}"#, &Limits::default())?;
/// let Incoming::Connect { auth, .. } = incoming else { unreachable!() };
///
/// #[derive(serde::Deserialize)]
/// struct Auth<'a> { token: &'a str, user: Option<&'a str> }
///
/// let Auth { token, user } = auth.parse().unwrap();
/// assert_eq!((token, user), ("t0p", None));
/// # Ok::<(), socketio::Violation>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AuthPayload<'a>(Cow<'a, str>);

impl<'a> AuthPayload<'a> {
    pub(crate) fn new(data: &'a str) -> Self {
        Self(Cow::Borrowed(if data.is_empty() { "{}" } else { data }))
    }

    /// The object as `T`.
    pub fn parse<'s, T: Deserialize<'s>>(&'s self) -> Result<T, ArgsError> {
        Ok(serde_json::from_str(&self.0)?)
    }

    /// The JSON text.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// A copy that is independent of the message.
    pub fn into_owned(self) -> AuthPayload<'static> {
        AuthPayload(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Debug for AuthPayload<'_> {
    /// Shows only the size: it can contain passwords and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthPayload({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests;
