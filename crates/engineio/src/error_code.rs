//! The errors that a request can be answered with before it belongs to a session.
//!
//! Owns code, status and JSON body of each. Which request gets which is the business of [`route`](crate::route)
//! and, where the answer depends on a session, of the driver. Sending the answer is the driver's as well.

use serde::Serialize;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum ErrorCode {
    /// The transport is missing, not known or not reachable by HTTP.
    #[error("transport unknown")]
    UnknownTransport = 0,
    /// No session has this id.
    #[error("session id unknown")]
    UnknownSid = 1,
    /// A session can only be opened by GET.
    #[error("bad handshake method")]
    BadHandshakeMethod = 2,
    /// The request does not fit the session, or the transport.
    #[error("bad request")]
    BadRequest = 3,
    /// The application or the origin policy said no.
    #[error("forbidden")]
    Forbidden = 4,
    /// The client does not speak revision 4.
    #[error("unsupported protocol version")]
    UnsupportedProtocolVersion = 5,
}

impl ErrorCode {
    /// The number in the body.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The text in the body, as clients of the Node implementation know it.
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedProtocolVersion => "Unsupported protocol version",
        }
    }

    /// The HTTP status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::UnknownTransport
            | Self::UnknownSid
            | Self::BadHandshakeMethod
            | Self::BadRequest
            | Self::UnsupportedProtocolVersion => 400,
        }
    }

    /// The JSON body of the answer.
    ///
    /// ```
    /// use engineio::ErrorCode;
    ///
    /// assert_eq!(ErrorCode::UnknownSid.body(), r#"{"code":1,"message":"Session ID unknown"}"#);
    /// ```
    pub fn body(self) -> String {
        self.body_with(self.message())
    }

    /// The JSON body with a text of the application, for refusals that it explains itself.
    pub fn body_with(self, message: &str) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u8,
            message: &'a str,
        }
        serde_json::to_string(&Body { code: self.code(), message })
            .expect("a number and a string are always JSON")
    }
}
