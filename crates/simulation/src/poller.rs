//! A client that polls: one request held, another one for what it has to say.

use std::pin::Pin;
use std::rc::Rc;

use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Client, End, Heard, OPENING_MAX, SILENCE_MAX};
use crate::exchange::Exchange;
use crate::frames::FromServer;
use crate::page::Page;

/// Between two packets of one payload.
const SEPARATOR: char = '\u{1e}';

/// A request on its way.
type Answering = Pin<Box<dyn Future<Output = Option<String>>>>;
type Pending = Option<Answering>;

impl Client {
    fn begin(&mut self, exchange: Exchange) -> Answering {
        let random = self.random.fork();
        Box::pin(exchange.carry_out(Rc::clone(&self.world), random))
    }

    /// One session by polling.
    pub(crate) async fn talk_by_polling(&mut self, page: &mut Page) -> End {
        let random = self.random.fork();
        let opening = Exchange::Handshake.carry_out(Rc::clone(&self.world), random);
        let Ok(Some(opened)) = tokio::time::timeout(OPENING_MAX, opening).await else { return End::Lost };
        let told: Option<Value> = opened.get(1..).and_then(|json| serde_json::from_str(json).ok());
        let sid = told.as_ref().and_then(|told| told["sid"].as_str()).unwrap_or_default().to_owned();
        self.world.record.borrow_mut().counts.connections += 1;
        self.hear(page, FromServer::Text(opened));
        let mut dead_at = Instant::now() + SILENCE_MAX;
        let (mut poll, mut post): (Pending, Pending) = (None, None);
        loop {
            if poll.is_none() {
                poll = Some(self.begin(Exchange::Poll { sid: sid.clone() }));
            }
            if post.is_none() && !page.outbox.is_empty() {
                let body = std::mem::take(&mut page.outbox).join(&SEPARATOR.to_string());
                post = Some(self.begin(Exchange::Post { sid: sid.clone(), body }));
            }
            let wakes_at = self.next_act().min(dead_at);
            let wakes_at = page.next_timeout().map_or(wakes_at, |timeout| timeout.min(wakes_at));
            tokio::select! {
                biased;
                answer = answer_to(&mut poll) => {
                    let Some(payload) = answer else { return End::Lost };
                    for packet in payload.split(SEPARATOR) {
                        match self.hear(page, FromServer::Text(packet.to_owned())) {
                            Heard::Alive => dead_at = Instant::now() + SILENCE_MAX,
                            Heard::Nothing => {}
                            Heard::End => return End::Lost,
                        }
                    }
                }
                answer = answer_to(&mut post) => {
                    if answer.is_none() {
                        return End::Lost;
                    }
                }
                () = tokio::time::sleep_until(wakes_at) => {}
            }
            let now = Instant::now();
            if now >= dead_at {
                return End::Lost;
            }
            page.time_out(now);
            if let Some(end) = self.act(page) {
                return end;
            }
            self.stand(page);
        }
    }
}

/// Resolves with the answer, and the request is over; never if there is none.
async fn answer_to(pending: &mut Pending) -> Option<String> {
    let Some(request) = pending else { return std::future::pending().await };
    let answer = request.await;
    *pending = None;
    answer
}
