//! One message: filled, sent, and what its answer makes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use assay_model::Timestamp;
use assay_model::ports::{After, Attempt, EXCERPT_BYTES, Message, StoreError};

use super::Sender;
use super::client::Reply;
use super::directory::Known;
use super::receiver::Receiver;
use super::schedule::{after_failure, retry_after, slow_ms};

/// How long what waits for a paused postback is left alone before we look again.
const PAUSED_MS: i64 = 10_000;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Taken,
    /// Wants nothing more, ever.
    Gone,
    /// Wants less: the whole receiver is slowed.
    Slower(String),
    Failed(String),
}

impl Meaning {
    fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            410 => Self::Gone,
            429 | 502 | 504 => Self::Slower(format!("answered {status}")),
            300..=399 => Self::Failed(format!("answered {status}: redirects are not followed")),
            _ => Self::Failed(format!("answered {status}")),
        }
    }
}

impl Sender {
    /// Sends a message and notes what came of it. What cannot be noted is sent again when its
    /// lease ends, under the same id.
    pub(super) async fn deliver(self: Arc<Self>, message: Message) {
        if let Err(error) = self.try_deliver(&message).await {
            tracing::error!(delivery = message.id, %error, "a postback's outcome is not noted");
        }
    }

    async fn try_deliver(&self, message: &Message) -> Result<(), StoreError> {
        let (account, postback) = (message.account, message.owed.postback);
        let now = self.clock.now();
        match self.directory.find(account, postback).await? {
            Known::Ready(receiver, version) => self.send(message, &receiver, version).await,
            Known::Paused => {
                let until = now.plus_ms(PAUSED_MS);
                self.queue.slow_down(account, postback, until).await?;
                let wait = After::Wait(until);
                self.queue.settle(account, message.id, None, wait).await
            }
            Known::Gone => {
                let note = unsent(now, "the postback was removed");
                self.settle(message, note, After::Dead).await
            }
            Known::Broken(why) => self.fail(message, unsent(now, &why), None).await,
        }
    }

    async fn send(
        &self,
        message: &Message,
        receiver: &Receiver,
        version: u32,
    ) -> Result<(), StoreError> {
        let (at, began) = (self.clock.now(), std::time::Instant::now());
        let filled = match receiver.fill(message, at) {
            Ok(filled) => filled,
            Err(why) => return self.fail(message, unsent(at, &why), None).await,
        };
        let answer = self.caller.call(filled.request).await;
        let mut attempt = Attempt {
            at,
            request: filled.shown,
            status: None,
            latency_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
            error: None,
            response: String::new(),
        };
        match answer {
            Ok(reply) => {
                attempt.status = Some(reply.status);
                attempt.response = excerpt(&reply.body);
                self.answered(message, attempt, &reply, version).await
            }
            Err(why) => {
                attempt.error = Some(why);
                self.fail(message, attempt, None).await
            }
        }
    }

    async fn answered(
        &self,
        message: &Message,
        mut attempt: Attempt,
        reply: &Reply,
        version: u32,
    ) -> Result<(), StoreError> {
        let (account, postback) = (message.account, message.owed.postback);
        let now = self.clock.now();
        match Meaning::of(reply.status) {
            Meaning::Taken => {
                self.strikes(account, postback, false);
                self.settle(message, attempt, After::Sent).await
            }
            Meaning::Gone => {
                attempt.error = Some("answered 410: the postback is paused".to_owned());
                self.settle(message, attempt, After::Dead).await?;
                self.directory.pause(account, postback, version, now).await
            }
            Meaning::Slower(why) => {
                attempt.error = Some(why);
                let wish = reply
                    .retry_after
                    .as_deref()
                    .and_then(|v| retry_after(v, now));
                let strikes = self.strikes(account, postback, true);
                let wished = wish.map_or(0, |w| i64::try_from(w.as_millis()).unwrap_or(i64::MAX));
                // A wish for longer than we keep trying would only pile messages up.
                let wait = slow_ms(strikes)
                    .max(wished)
                    .min(super::schedule::GIVE_UP_MS);
                let until = now.plus_ms(wait);
                self.queue.slow_down(account, postback, until).await?;
                self.fail(message, attempt, wish).await
            }
            Meaning::Failed(why) => {
                attempt.error = Some(why);
                let wish = reply
                    .retry_after
                    .as_deref()
                    .and_then(|v| retry_after(v, now));
                self.fail(message, attempt, wish).await
            }
        }
    }

    async fn fail(
        &self,
        message: &Message,
        attempt: Attempt,
        wish: Option<std::time::Duration>,
    ) -> Result<(), StoreError> {
        let owed = &message.owed;
        let count = message.attempts.saturating_add(1);
        let now = self.clock.now();
        let after = after_failure(&owed.message_id(), count, owed.due, now, wish);
        self.settle(message, attempt, after).await
    }

    async fn settle(
        &self,
        message: &Message,
        attempt: Attempt,
        after: After,
    ) -> Result<(), StoreError> {
        let counter = match after {
            After::Sent => &self.stats.sent,
            After::Retry(_) | After::Wait(_) => &self.stats.failed,
            After::Dead => &self.stats.dead,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.queue
            .settle(message.account, message.id, Some(attempt), after)
            .await
    }
}

/// A try that never got as far as a request.
fn unsent(at: Timestamp, why: &str) -> Attempt {
    Attempt {
        at,
        request: String::new(),
        status: None,
        latency_ms: 0,
        error: Some(why.to_owned()),
        response: String::new(),
    }
}

/// The beginning of an answer as text.
fn excerpt(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]).into_owned();
    while text.len() > EXCERPT_BYTES {
        text.pop();
    }
    text
}
