//! A plain WebSocket endpoint that echoes every message, for the Autobahn test suite. It is behind the feature
//! `conformance`, and not part of the server.
//!
//! Engine.IO sends the first message on every connection, which that suite does not expect. So it tests the server's
//! own handshake, codec and closing here, without a session around them.

use std::io;
use std::ops::ControlFlow;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::door::takeover::{self, Owner};
use crate::http::response;
use crate::http::upgrade;
use crate::stream::TakenOver;
use crate::stream::{NewStream, Stream};
use crate::websocket::frame::{push_binary, push_close, push_pong, push_text};
use crate::websocket::{Decoder, Halt, Message, WsLimits};

/// The size of the read buffer, in bytes.
const SCRATCH_BYTES: usize = 64 << 10;

/// Accepts connections until accepting fails. Messages over `message_bytes_max` are refused.
///
/// # Errors
/// Errors of the listener.
pub async fn serve(listener: TcpListener, message_bytes_max: usize) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // The task ends with its connection.
        drop(tokio::spawn(connection(stream, message_bytes_max)));
    }
}

async fn connection(stream: TcpStream, message_bytes_max: usize) {
    let limits = WsLimits { message_bytes_max, ..WsLimits::default() };
    let answer = service_fn(move |request| async move { Ok::<_, hyper::Error>(accept(request, limits)) });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an HTTP connection ended");
    }
}

fn accept(mut request: Request<Incoming>, limits: WsLimits) -> Response<Full<Bytes>> {
    match upgrade::accept(request.method(), request.headers()) {
        Ok(accepted) => {
            let upgraded = hyper::upgrade::on(&mut request);
            // The task ends with its connection.
            drop(tokio::spawn(async move {
                if let Some(TakenOver { stream: NewStream::Local(stream), early, .. }) =
                    takeover::take(upgraded, Owner::Here).await
                    && let Err(error) = echo(stream, early, limits).await
                {
                    tracing::debug!(%error, "a WebSocket ended");
                }
            }));
            accepted.map(|()| Full::default())
        }
        Err(error) => response::upgrade_invalid(error),
    }
}

async fn echo(mut stream: TcpStream, early: Bytes, limits: WsLimits) -> io::Result<()> {
    let mut decoder = Decoder::default();
    let mut scratch = vec![0; SCRATCH_BYTES];
    let (mut out, mut flow) = answer(&mut decoder, &mut early.to_vec(), limits);
    loop {
        stream.write_all(&out).await?;
        if flow.is_break() {
            Stream::Tcp(stream).end().await;
            return Ok(());
        }
        let read = stream.read(&mut scratch).await?;
        if read == 0 {
            return Ok(());
        }
        (out, flow) = answer(&mut decoder, scratch.get_mut(..read).unwrap_or_default(), limits);
    }
}

/// The answer to some bytes, and whether the connection continues.
fn answer(decoder: &mut Decoder, bytes: &mut [u8], limits: WsLimits) -> (Vec<u8>, ControlFlow<Halt>) {
    let mut out = Vec::new();
    let mut flow = ControlFlow::Continue(());
    let mut frames = usize::MAX;
    let result = decoder.feed(bytes, &limits, &mut frames, &mut |message| {
        match message {
            Message::Text(text) => push_text(&mut out, &[text.as_bytes()]),
            Message::Binary(data) => push_binary(&mut out, &[data]),
            Message::Ping(data) => push_pong(&mut out, data),
            Message::Pong => {}
            Message::Close(code) => {
                push_close(&mut out, code);
                flow = ControlFlow::Break(Halt::Closing);
            }
        }
        flow
    });
    if let Err(error) = result {
        push_close(&mut out, Some(error.close_code()));
        flow = ControlFlow::Break(Halt::Closing);
    }
    (out, flow)
}
