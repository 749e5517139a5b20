//! A bare hyper server that answers one constant: the floor under any S2S benchmark.
//!
//! `cargo run --release -p assay-gateway --example bare_hyper [ADDRESS]`; prints
//! `data: http://…`, ends with its process. One thread, no timers, nothing read but the head.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = br#"{"tqs":{"score":0,"reason":"CL"}}"#;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:0");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, listen(address))
}

async fn listen(address: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("data: http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(serve(stream));
    }
}

async fn serve(stream: TcpStream) {
    let service = hyper::service::service_fn(answer);
    let connection = hyper::server::conn::http1::Builder::new();
    // A client that goes away is how every connection of a benchmark ends.
    let _ = connection
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
