//! [`Handler`]: async functions whose parameters are extracted from the event, as in axum.
//!
//! [`Namespace::on`](crate::Namespace::on) says what happens to an event that does not fit its handler, because users
//! of the crate look there.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use socketio::{ArgsError, Payload};

use crate::handle::ack::Ack;
use crate::handle::connect::Auth;
use crate::handle::io::Io;
use crate::handle::socket::{Job, Socket};
use crate::reason::DisconnectReason;

/// One call of a handler: the socket, and what happened to it.
#[derive(Debug)]
pub struct Call {
    pub(crate) socket: Socket,
    /// `None` when the socket joins or leaves.
    pub(crate) payload: Option<Payload<'static>>,
    pub(crate) ack: Option<Ack>,
    pub(crate) reason: Option<DisconnectReason>,
}

impl Call {
    fn note_misfit(&self, error: &CallError) {
        let event = match (&self.payload, self.reason) {
            (Some(payload), _) => payload.event_name(),
            (None, None) => "connect".into(),
            (None, Some(_)) => "disconnect".into(),
        };
        self.socket.io().reach.misfits.note(self.socket.namespace(), &event, error);
    }
}

/// Why a parameter cannot be extracted.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The arguments have other types.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The application has no state of this type, or this kind of call has no such parameter.
    #[error("there is no {0} in this call")]
    Missing(&'static str),
    /// `auth` has another type.
    #[error("auth does not fit: {0}")]
    Auth(#[from] serde_json::Error),
}

/// A parameter of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parameter of a handler",
    label = "not a parameter of a handler",
    note = "the first argument of an event is `Arg<T>`, several are `Args<(T, U)>`, state is `State<S>`",
    note = "see the implementations of `FromCall` for the others"
)]
pub trait FromCall: Sized {
    /// Extracts the parameter from the call.
    ///
    /// # Errors
    /// If the call does not have it. The handler does not run then.
    fn from_call(call: &mut Call) -> Result<Self, CallError>;
}

/// All arguments of the event as a tuple: missing ones fit `Option`, extra ones are ignored. A
/// [`Spread<Vec<_>>`](crate::Spread) takes any number of them; any other type takes the first.
///
/// If they do not fit, the handler is not run: see [`Namespace::on`](crate::Namespace::on). To answer such an event, take a
/// `Result<Args<T>, ArgsError>`:
///
/// ```
/// use socketio_server::{Ack, Args, ArgsError, Namespace};
///
/// let namespace = Namespace::new("/").on("add", async |args: Result<Args<(i64, i64)>, ArgsError>, ack: Ack| {
///     let _ = match args {
///         Ok(Args((a, b))) => ack.send(&(a + b)),
///         Err(error) => ack.send(&error.to_string()),
///     };
/// });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Args<T>(pub T);

/// The first argument of the event. If it does not fit, the handler does not run: see [`Args`].
#[derive(Clone, Copy, Debug)]
pub struct Arg<T>(pub T);

/// State of the application, as given to [`Builder::state`](crate::Builder::state).
#[derive(Debug)]
pub struct State<S>(pub Arc<S>);

/// The `auth` of the client as a `T`; only in `on_connect`.
#[derive(Clone, Copy, Debug)]
pub struct AuthAs<T>(pub T);

/// The name of the event.
#[derive(Clone, Debug)]
pub struct EventName(pub String);

fn payload(call: &Call) -> Result<&Payload<'static>, CallError> {
    call.payload.as_ref().ok_or(CallError::Missing("event"))
}

impl FromCall for Socket {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(call.socket.clone())
    }
}

impl FromCall for Io {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(call.socket.io().clone())
    }
}

impl FromCall for Ack {
    /// Always available: if the client expects no answer, sending does nothing.
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(call.ack.take().unwrap_or_else(|| Ack { io: call.socket.io().clone(), handle: None }))
    }
}

impl<T: DeserializeOwned> FromCall for Args<T> {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(Self(payload(call)?.args()?))
    }
}

impl<T: DeserializeOwned> FromCall for Arg<T> {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(Self(payload(call)?.first()?))
    }
}

impl<T: DeserializeOwned> FromCall for Result<Args<T>, ArgsError> {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(payload(call)?.args().map(Args))
    }
}

impl FromCall for Payload<'static> {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        payload(call).cloned()
    }
}

impl FromCall for EventName {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(Self(payload(call)?.event_name().into_owned()))
    }
}

impl<S: Send + Sync + 'static> FromCall for State<S> {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        call.socket.io().state().map(Self).ok_or(CallError::Missing("state of this type"))
    }
}

impl FromCall for Auth {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        call.socket.inner.auth.clone().ok_or(CallError::Missing("auth"))
    }
}

impl<T: DeserializeOwned> FromCall for AuthAs<T> {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        Ok(Self(Auth::from_call(call)?.parse()?))
    }
}

impl FromCall for DisconnectReason {
    fn from_call(call: &mut Call) -> Result<Self, CallError> {
        call.reason.ok_or(CallError::Missing("disconnect reason"))
    }
}

/// An async function or closure of up to eight parameters, each a [`FromCall`], that returns `()`.
///
/// ```
/// use socketio_server::{Ack, Arg, Io, Namespace};
///
/// let namespace = Namespace::new("/")
///     .on("tick", || async {})
///     .on("greet", async |Arg(name): Arg<String>, ack: Ack| { let _ = ack.send(&format!("hello {name}")); });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of events",
    label = "not a handler of events",
    note = "a handler is an async function or closure of up to eight parameters that returns `()`",
    note = "each parameter implements `FromCall` and `Send`: `Socket`, `Ack`, `Arg<T>`, `Args<(T, U)>`, `State<S>`, ..."
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// Extracts the parameters and returns the future; `None` if they do not fit.
    fn run(&self, call: Call) -> Option<Job>;
}

macro_rules! handler {
    ($($parameter:ident: $Type:ident),*) => {
        impl<F, Fut, $($Type,)*> Handler<(Fut, $($Type,)*)> for F
        where
            F: Fn($($Type),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = ()> + Send + 'static,
            $($Type: FromCall + Send,)*
        {
            fn run(&self, mut call: Call) -> Option<Job> {
                let parameters = (|call: &mut Call| Ok::<_, CallError>(($($Type::from_call(call)?,)*)))(&mut call);
                match parameters.map(|($($parameter,)*)| self($($parameter),*)) {
                    Ok(run) => Some(Box::pin(run)),
                    Err(error) => {
                        call.note_misfit(&error);
                        None
                    }
                }
            }
        }
    };
}

impl<F, Fut> Handler<(Fut,)> for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn run(&self, _: Call) -> Option<Job> {
        Some(Box::pin(self()))
    }
}

handler!(a: A);
handler!(a: A, b: B);
handler!(a: A, b: B, c: C);
handler!(a: A, b: B, c: C, d: D);
handler!(a: A, b: B, c: C, d: D, e: E);
handler!(a: A, b: B, c: C, d: D, e: E, f: G);
handler!(a: A, b: B, c: C, d: D, e: E, f: G, g: H);
handler!(a: A, b: B, c: C, d: D, e: E, f: G, g: H, h: I);
