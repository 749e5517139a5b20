//! A receiver of the tests: does what its script says, and remembers what it was told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers these bytes.
    Answer(String),
    /// Ends the connection with a reset.
    Reset,
    /// Says nothing until it is let go, then answers 200.
    Hold,
}

impl Behaviour {
    pub fn status(status: u16) -> Self {
        Self::with(status, "")
    }

    /// A status with more headers, each ended by a line end.
    pub fn with(status: u16, headers: &str) -> Self {
        Self::Answer(format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: 2\r\n\r\nok"
        ))
    }
}

/// One request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub target: String,
    pub message_id: String,
    pub signature: String,
    pub timestamp: String,
}

pub struct Receiver {
    pub port: u16,
    told: Arc<Mutex<Vec<Told>>>,
    script: Arc<Mutex<Behaviour>>,
    released: watch::Sender<bool>,
}

impl Receiver {
    pub async fn start(script: Behaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script));
        let (released, release) = watch::channel(false);
        let (log, lines) = (Arc::clone(&told), Arc::clone(&script));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, lines) = (Arc::clone(&log), Arc::clone(&lines));
                tokio::spawn(serve(stream, log, lines, release.clone()));
            }
        });
        Self {
            port,
            told,
            script,
            released,
        }
    }

    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    pub fn becomes(&self, behaviour: Behaviour) {
        *self.script.lock().unwrap() = behaviour;
    }

    /// Lets everything that is held go.
    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

async fn serve(
    mut stream: TcpStream,
    told: Arc<Mutex<Vec<Told>>>,
    script: Arc<Mutex<Behaviour>>,
    mut release: watch::Receiver<bool>,
) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => head.extend_from_slice(&buffer[..read]),
            }
        }
        told.lock().unwrap().push(request(&head));
        head.clear();
        let behaviour = script.lock().unwrap().clone();
        let answer = match behaviour {
            Behaviour::Answer(answer) => answer,
            Behaviour::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Behaviour::Hold => {
                let _ = release.wait_for(|go| *go).await;
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn request(head: &[u8]) -> Told {
    let text = String::from_utf8(head.to_vec()).unwrap();
    let header = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map_or_else(String::new, |(_, value)| value.to_owned())
    };
    Told {
        target: text.split(' ').nth(1).unwrap_or("").to_owned(),
        message_id: header("webhook-id"),
        signature: header("webhook-signature"),
        timestamp: header("webhook-timestamp"),
    }
}
