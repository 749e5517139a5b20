//! A blocking HTTP/1.1 client over one keep-alive connection; sends any bytes as they are.

use std::io::{BufRead, BufReader, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `X-Assay-Error`, or nothing.
    pub fn cause(&self) -> &str {
        self.header("x-assay-error").unwrap_or("")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// One value a line.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// `score letters` of the S2S door.
    #[track_caller]
    pub fn tqs(&self) -> String {
        let json = self.json();
        format!(
            "{} {}",
            json["tqs"]["score"],
            json["tqs"]["reason"].as_str().unwrap()
        )
    }

    /// The fields that a problem document names.
    #[track_caller]
    pub fn field(&self) -> String {
        self.json()["field"].as_str().unwrap_or("").to_owned()
    }
}

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    #[track_caller]
    pub fn connect(to: SocketAddr) -> Self {
        Self::try_connect(to).unwrap()
    }

    pub fn try_connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    #[track_caller]
    pub fn get(&mut self, target: &str) -> Response {
        self.try_send("GET", target, &[], b"").unwrap()
    }

    #[track_caller]
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.try_send(method, target, headers, body).unwrap()
    }

    pub fn try_send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head.push_str("Host: assay.test\r\n");
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        self.write(&bytes)?;
        self.read(method == "HEAD")
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer.
    pub fn read(&mut self, head_only: bool) -> Result<Response> {
        let mut response = loop {
            let response = self.read_head()?;
            if response.status != 100 {
                break response;
            }
        };
        if head_only || response.status == 204 {
            return Ok(response);
        }
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(mut chunk) = self.read_chunk()? {
                response.body.append(&mut chunk);
            }
        } else if let Some(length) = response.header("content-length") {
            let length: usize = length.parse().map_err(|_| ErrorKind::InvalidData)?;
            response.body.resize(length, 0);
            self.stream.read_exact(&mut response.body)?;
        } else {
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }

    /// Reads a head, body left unread.
    pub fn read_head(&mut self) -> Result<Response> {
        let line = self.read_line()?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|text| text.parse().ok())
            .ok_or(ErrorKind::InvalidData)?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Response {
            status,
            headers,
            body: Vec::new(),
        })
    }

    /// One chunk of a chunked body; `None` = its end.
    pub fn read_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.read_line()?;
        let length = usize::from_str_radix(&line, 16).map_err(|_| ErrorKind::InvalidData)?;
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk)?;
        self.read_line()?;
        Ok((length > 0).then_some(chunk))
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Whether the other side has closed: reads to the end of the stream.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.stream
            .read_to_end(&mut rest)
            .is_ok_and(|_| rest.is_empty())
    }
}
