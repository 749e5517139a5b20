//! Calls against listeners of our own: nothing inside is reached, nothing hangs, nothing grows.

mod calls;
mod corpus;
mod inside;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::address::{AddressPolicy, Range};
use super::client::{CallLimits, Caller, Reply};
use super::connect::{ConnectLimits, Connector};
use super::resolve::Resolver;

/// Stands for a public receiver: the one address that tests allow.
const OUTSIDE: &str = "127.0.0.2";

/// A resolver that answers from a table; a name with several answers gives them in turn.
#[derive(Default)]
struct Names {
    answers: Mutex<HashMap<String, Turns>>,
}

/// How often a name was asked for, and its answers.
type Turns = (usize, Vec<Vec<IpAddr>>);

impl Names {
    fn of(table: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let names = Self::default();
        for (name, answers) in table {
            let read = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
            let answers = answers.iter().map(read).collect();
            let mut all = names.answers.lock().unwrap();
            all.insert((*name).to_owned(), (0, answers));
        }
        Arc::new(names)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut all = self.answers.lock().unwrap();
        let Some((turn, answers)) = all.get_mut(host) else {
            return Err(std::io::Error::other("no such host"));
        };
        *turn += 1;
        Ok(answers[(*turn - 1) % answers.len()].clone())
    }
}

/// A listener that counts connections and gives each the same answer.
struct Listener {
    port: u16,
    connections: Arc<AtomicU32>,
}

impl Listener {
    /// Listens at an address; port 0 = any.
    async fn at(ip: &str, port: u16, answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        Self::on(listener, answer)
    }

    fn on(listener: TcpListener, answer: &'static [u8]) -> Self {
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(reply(stream, answer));
            }
        });
        Self { port, connections }
    }

    fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request head, answers, and leaves.
async fn reply(mut stream: TcpStream, answer: &[u8]) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
    let _ = stream.write_all(answer).await;
}

/// A caller that may reach [`OUTSIDE`] at these ports.
fn caller(names: Arc<Names>, ports: &[u16], limits: CallLimits) -> Caller {
    trusting(names, ports, limits, &[])
}

fn trusting(
    names: Arc<Names>,
    ports: &[u16],
    limits: CallLimits,
    roots: &[CertificateDer<'static>],
) -> Caller {
    let allowed: Vec<Range> = vec![(OUTSIDE.parse().unwrap(), 32)];
    let connector = Connector::new(
        names,
        AddressPolicy::new(vec![], allowed),
        ConnectLimits {
            ports: ports.to_vec(),
            resolve: Duration::from_secs(2),
            connect: Duration::from_secs(3),
        },
    );
    Caller::new(connector, roots, limits).unwrap()
}

const LIMITS: CallLimits = CallLimits {
    total: Duration::from_secs(15),
    body_bytes: 64 * 1024,
};

async fn get(caller: &Caller, url: &str) -> Result<Reply, String> {
    let request = Request::get(url).body(Full::new(Bytes::new()));
    caller.call(request.map_err(|e| e.to_string())?).await
}
