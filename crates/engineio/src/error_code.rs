//! The errors of requests that belong to no session.
//!
//! Owns the code, status and JSON body of each. [`route`](crate::route) chooses one, or the driver if the choice
//! depends on a session. The driver sends it.

use serde::Serialize;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum ErrorCode {
    /// The transport is missing, unknown or not reachable by HTTP.
    #[error("transport unknown")]
    UnknownTransport = 0,
    /// No session has this id.
    #[error("session id unknown")]
    UnknownSid = 1,
    /// A session can only be opened by GET.
    #[error("bad handshake method")]
    BadHandshakeMethod = 2,
    /// The request does not fit the session or the transport.
    #[error("bad request")]
    BadRequest = 3,
    /// The application or the origin policy refused the request.
    #[error("forbidden")]
    Forbidden = 4,
    /// The client does not speak revision 4.
    #[error("unsupported protocol version")]
    UnsupportedProtocolVersion = 5,
}

impl ErrorCode {
    /// The code in the body.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The message in the body, as in the Node implementation.
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

    /// The JSON body with a message from the application.
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
