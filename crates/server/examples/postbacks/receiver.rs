//! Receivers on this machine: one port that answers at once, one that takes its time.

use std::collections::HashMap;
use std::net::TcpListener as StdListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Failure;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// What a receiver has heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Messages.
    pub count: AtomicU64,
    /// When messages of the probe came, by their number.
    pub probes: Mutex<HashMap<u64, Instant>>,
}

/// Starts a receiver that answers after `pause`, in a thread of its own; its port.
pub fn start(pause: Duration) -> Result<(u16, Arc<Heard>), Failure> {
    let listener = StdListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let heard = Arc::new(Heard::default());
    let own = Arc::clone(&heard);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("receiver".to_owned())
        .spawn(move || runtime.block_on(accept(listener, pause, own)))?;
    Ok((port, heard))
}

async fn accept(listener: StdListener, pause: Duration, heard: Arc<Heard>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, pause, Arc::clone(&heard)));
    }
}

async fn serve(mut stream: TcpStream, pause: Duration, heard: Arc<Heard>) {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        heard.count.fetch_add(1, Ordering::Relaxed);
        if let Some(number) = probe(&head) {
            let mut probes = heard.probes.lock().unwrap_or_else(PoisonError::into_inner);
            probes.entry(number).or_insert_with(Instant::now);
        }
        head.clear();
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

/// The number in `GET /probe?n=7 …`.
fn probe(head: &[u8]) -> Option<u64> {
    let number = head.strip_prefix(b"GET /probe?n=")?;
    let end = number.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&number[..end]).ok()?.parse().ok()
}
