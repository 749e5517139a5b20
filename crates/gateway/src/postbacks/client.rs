//! One call of a receiver: its answer within time and size, redirects never followed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};

use super::connect::{ConnectError, Connector};

/// Connections to one receiver that are kept open for the next message, and how long.
const IDLE_CONNECTIONS: usize = 4;
const IDLE: Duration = Duration::from_secs(30);
/// Most headers, and most bytes of head, of an answer.
const HEADERS_MAX: usize = 100;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Limits of one call.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// Longest call, from the look-up to the end of the answer.
    pub total: Duration,
    /// Most bytes read of an answer's body.
    pub body_bytes: usize,
}

/// A receiver's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`, as it stands.
    pub retry_after: Option<String>,
    /// The beginning of its body.
    pub body: Vec<u8>,
}

/// Calls receivers.
#[derive(Clone)]
pub struct Caller {
    pool: Pool<HttpsConnector<Connector>, Full<Bytes>>,
    limits: CallLimits,
}

impl Caller {
    /// A caller over this connector; `roots`: certificates trusted beside the built-in ones
    /// of Mozilla's list.
    ///
    /// # Errors
    /// When rustls takes a certificate or its own defaults for wrong.
    pub fn new(
        connector: Connector,
        roots: &[rustls::pki_types::CertificateDer<'static>],
        limits: CallLimits,
    ) -> Result<Self, rustls::Error> {
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls(roots)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_headers(HEADERS_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(https);
        Ok(Self { pool, limits })
    }

    /// Calls a receiver once.
    ///
    /// # Errors
    /// What kept it from answering, in words for the delivery log.
    pub async fn call(&self, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let end = Instant::now() + self.limits.total;
        let answer = timeout_at(end, self.pool.request(request))
            .await
            .map_err(|_| format!("no answer in {:?}", self.limits.total))?
            .map_err(|error| told(&error))?;
        Ok(self.read(answer, end).await)
    }

    /// Reads as much of the answer as is kept. What a receiver says by its status stands,
    /// even if the rest of its answer never comes.
    async fn read(&self, answer: Response<Incoming>, end: Instant) -> Reply {
        let (parts, mut body) = answer.into_parts();
        let header = parts.headers.get(hyper::header::RETRY_AFTER);
        let mut reply = Reply {
            status: parts.status.as_u16(),
            retry_after: header.and_then(|value| Some(value.to_str().ok()?.to_owned())),
            body: Vec::new(),
        };
        while let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await {
            if let Ok(data) = frame.into_data() {
                let room = self.limits.body_bytes.saturating_sub(reply.body.len());
                reply.body.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    // Dropping the rest ends the connection with it.
                    break;
                }
            }
        }
        reply
    }
}

fn tls(
    extra: &[rustls::pki_types::CertificateDer<'static>],
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in extra {
        roots.add(certificate.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// An error of the pool in plain words: the innermost cause says what happened.
fn told(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(inner) = cause.source() {
        if let Some(connect) = inner.downcast_ref::<ConnectError>() {
            return connect.to_string();
        }
        cause = inner;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(io) => format!("the connection broke: {io}"),
        None => format!("no answer: {cause}"),
    }
}
