//! Answers on their way out of a connection.
//!
//! An answer leaves once its record is kept. The lane writes the records of a turn and then
//! sends what the turn's connections have to say, itself: a connection's task need not run a
//! second time for each request, only when its client does not take what is sent.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::outbox::LaneOutbox;

/// How sending goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// What there is was sent, or waits for its records.
    Open,
    /// The client did not take all of it: the rest waits for the client.
    Clogged,
    /// The connection is broken.
    Broken,
}

/// Where a connection's answers wait.
#[derive(Debug)]
pub struct Sending {
    write: RefCell<Option<OwnedWriteHalf>>,
    bytes: RefCell<Vec<u8>>,
    /// Stands among those that the lane sends once records are kept.
    queued: Cell<bool>,
    state: Cell<State>,
    /// The connection's task.
    task: RefCell<Option<Waker>>,
}

/// Bytes of answers from which on a connection reads no more before they are sent.
const BYTES_MAX: usize = 64 * 1024;

impl Sending {
    /// Nothing to say yet.
    pub fn new(write: OwnedWriteHalf) -> Rc<Self> {
        Rc::new(Self {
            write: RefCell::new(Some(write)),
            bytes: RefCell::default(),
            queued: Cell::new(false),
            state: Cell::new(State::Open),
            task: RefCell::new(None),
        })
    }

    /// Adds an answer.
    pub fn add(&self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes.borrow_mut());
    }

    /// Sends what there is as soon as its records are kept.
    pub fn send(self: &Rc<Self>, outbox: &LaneOutbox) {
        if self.bytes.borrow().is_empty() || self.queued.get() {
            return;
        }
        if outbox.is_written() {
            self.push();
        } else {
            self.queued.set(true);
            outbox.send_then(Rc::clone(self));
        }
    }

    /// The records are kept: sends what the client takes at once.
    pub fn kept(&self) {
        self.queued.set(false);
        self.push();
    }

    fn push(&self) {
        // Somebody is sending already; they send this, too.
        let write = self.write.borrow();
        let Some(write) = write.as_ref().filter(|_| self.state.get() == State::Open) else {
            return;
        };
        let mut bytes = self.bytes.borrow_mut();
        match write.try_write(&bytes) {
            Ok(sent) if sent == bytes.len() => return bytes.clear(),
            Ok(sent) => {
                bytes.drain(..sent);
                self.state.set(State::Clogged);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.state.set(State::Clogged),
            Err(_) => self.state.set(State::Broken),
        }
        if let Some(task) = self.task.borrow_mut().take() {
            task.wake();
        }
    }

    /// Reads more of the connection, while what was answered goes out.
    ///
    /// # Errors
    /// The connection is broken, either way.
    pub async fn read(
        &self,
        read: &mut OwnedReadHalf,
        input: &mut BytesMut,
        outbox: &LaneOutbox,
    ) -> io::Result<usize> {
        if self.bytes.borrow().len() > BYTES_MAX {
            self.all_sent(outbox).await?;
        }
        loop {
            if self.state.get() != State::Open {
                self.all_sent(outbox).await?;
            }
            let mut more = pin!(read.read_buf(input));
            let done = poll_fn(|cx| {
                self.keep_task(cx);
                if self.state.get() != State::Open {
                    return Poll::Ready(None);
                }
                more.as_mut().poll(cx).map(Some)
            });
            if let Some(done) = done.await {
                return done;
            }
        }
    }

    fn keep_task(&self, cx: &Context<'_>) {
        let mut task = self.task.borrow_mut();
        if !task.as_ref().is_some_and(|own| own.will_wake(cx.waker())) {
            *task = Some(cx.waker().clone());
        }
    }

    /// Waits until every answer is with the client.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn all_sent(&self, outbox: &LaneOutbox) -> io::Result<()> {
        outbox.written().await;
        if self.state.get() == State::Broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let rest = self.bytes.take();
        let Some(mut write) = self.write.take() else {
            return Err(ErrorKind::NotConnected.into());
        };
        let sent = write.write_all(&rest).await;
        self.write.replace(Some(write));
        self.state.set(match sent {
            Ok(()) => State::Open,
            Err(_) => State::Broken,
        });
        sent
    }

    /// The connection as it was, once everything is sent.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn rejoin(&self, read: OwnedReadHalf, outbox: &LaneOutbox) -> io::Result<TcpStream> {
        self.all_sent(outbox).await?;
        let write = self.write.take();
        let write = write.ok_or(io::Error::from(ErrorKind::NotConnected))?;
        read.reunite(write)
            .map_err(|_| ErrorKind::NotConnected.into())
    }
}

#[cfg(test)]
mod tests {
    use assay_model::EventIds;
    use assay_model::ports::{EventLog, LogError, LogPosition};
    use std::sync::Arc;
    use tokio::net::TcpListener;

    use super::*;
    use crate::outbox::Outbox;

    /// Takes every record.
    struct Log;

    impl EventLog for Log {
        fn append(&mut self, _: &[u8], _: u32) -> Result<LogPosition, LogError> {
            Ok(LogPosition::default())
        }

        fn lose(&mut self, _: u32) {}
    }

    fn outbox() -> Rc<LaneOutbox> {
        LaneOutbox::new(EventIds::after(0, 0, None), Box::new(Log), Arc::new(|_| {}))
    }

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, served) = tokio::join!(client, listener.accept());
        (client.unwrap(), served.unwrap().0)
    }

    #[tokio::test]
    async fn an_answer_leaves_when_its_record_is_kept_and_not_before() {
        let (mut client, served) = pair().await;
        let (_read, write) = served.into_split();
        let (sending, outbox) = (Sending::new(write), outbox());
        outbox.put(|out| out.push(1));
        sending.add(|out| out.extend_from_slice(b"one"));
        sending.send(&outbox);
        let mut seen = [0; 3];
        assert!(
            client.try_read(&mut seen).is_err(),
            "its record is not kept"
        );
        outbox.flush();
        client.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"one");
        // What needs no record waits for none.
        sending.add(|out| out.extend_from_slice(b"two"));
        sending.send(&outbox);
        client.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"two");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_gets_everything_in_order_in_the_end() {
        let (mut client, served) = pair().await;
        let (mut read, write) = served.into_split();
        let (sending, outbox) = (Sending::new(write), outbox());
        let mut expected = Vec::new();
        for number in 0..200_000_u32 {
            let answer = [number.to_le_bytes(); 16].concat();
            expected.extend_from_slice(&answer);
            outbox.put(|out| out.push(1));
            sending.add(|out| out.extend_from_slice(&answer));
            sending.send(&outbox);
            outbox.flush();
        }
        assert_eq!(sending.state.get(), State::Clogged);
        let mut input = BytesMut::new();
        let served = async {
            let done = sending.read(&mut read, &mut input, &outbox).await;
            assert_eq!(done.unwrap(), 4);
            assert_eq!(&input[..], b"more");
        };
        let reader = async {
            let mut seen = vec![0; expected.len()];
            client.read_exact(&mut seen).await.unwrap();
            client.write_all(b"more").await.unwrap();
            seen
        };
        let (seen, ()) = tokio::join!(reader, served);
        assert!(seen == expected);
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_ends_the_reading() {
        let (client, served) = pair().await;
        let (mut read, write) = served.into_split();
        let (sending, outbox) = (Sending::new(write), outbox());
        drop(client);
        let mut input = BytesMut::new();
        let done = sending.read(&mut read, &mut input, &outbox).await;
        assert!(matches!(done, Ok(0) | Err(_)));
    }
}
