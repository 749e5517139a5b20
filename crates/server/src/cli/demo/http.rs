//! One keep-alive connection to the demo's own server, as a tracker or a shop has.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

/// Calls by one connection, opened when it is needed.
pub struct Caller {
    to: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer that came whole.
pub struct Answer {
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    pub body: String,
}

impl Caller {
    pub const fn new(to: SocketAddr) -> Self {
        Self { to, stream: None }
    }

    /// A GET with headers of its own.
    pub fn get(&mut self, target: &str, headers: &[(&str, String)]) -> anyhow::Result<Answer> {
        let mut head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n", self.to);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let done = self.exchange(&head);
        if done.is_err() {
            self.stream = None;
        }
        done.context("a call could not be sent")
    }

    fn exchange(&mut self, head: &str) -> anyhow::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(BufReader::new(connect(self.to)?)),
        };
        stream.get_mut().write_all(head.as_bytes())?;
        read_answer(stream)
    }
}

/// Reads an answer whose body has a given length, as those of the tracking doors have.
fn read_answer(stream: &mut impl BufRead) -> anyhow::Result<Answer> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.with_context(|| format!("{first:?} is no status line"))?;
    let (mut length, mut location) = (0, None);
    loop {
        let header = line(stream)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        } else if name.eq_ignore_ascii_case("location") {
            location = Some(value.trim().to_owned());
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Answer {
        status,
        location,
        body: String::from_utf8(body)?,
    })
}

fn line(stream: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    anyhow::ensure!(stream.read_line(&mut line)? > 0, "the answer broke off");
    Ok(line.trim_end().to_owned())
}

pub fn connect(to: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_their_end_and_no_further() {
        let mut two =
            &b"HTTP/1.1 302 Found\r\nLocation: https://a.example/?b\r\ncontent-length: 0\r\n\r\n\
                         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"[..];
        let first = read_answer(&mut two).unwrap();
        assert_eq!(
            (first.status, first.location.as_deref()),
            (302, Some("https://a.example/?b"))
        );
        let second = read_answer(&mut two).unwrap();
        assert_eq!((second.status, &*second.body), (200, "{}"));
        assert!(read_answer(&mut two).is_err());
    }
}
