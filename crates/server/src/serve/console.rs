//! The console's listener: axum's router on an accept loop of our own.
//!
//! `axum::serve` has no time limit on a request head, so anybody could hold its
//! connections for ever; hyper has one once it is given a timer.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tower_service::Service;

/// Time in which a request head must be whole.
const HEAD: Duration = Duration::from_secs(10);
/// Most open connections.
const CONNECTIONS: usize = 1024;
/// Time that open requests get to finish when the server stops.
const GRACE: Duration = Duration::from_secs(3);

/// Serves the router until told to stop.
pub async fn serve(listener: TcpListener, app: Router, mut stopped: watch::Receiver<bool>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the console cannot listen"),
    };
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop(&mut stopped) => break,
        };
        while open.try_join_next().is_some() {}
        match (accepted, std::sync::Arc::clone(&slots).try_acquire_owned()) {
            (Ok((stream, peer)), Ok(slot)) => {
                let (app, stopped) = (app.clone(), stopped.clone());
                open.spawn(async move {
                    connection(stream, peer, app, stopped).await;
                    drop(slot);
                });
            }
            // Full: new connections are refused before old ones slow.
            (Ok(_), Err(_)) => {}
            (Err(error), _) => {
                tracing::warn!(%error, "the console cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let _ = tokio::time::timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
}

async fn connection(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut app = app.clone();
        async move {
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            Ok::<_, Infallible>(match app.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            })
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // The flag's guard must be gone before the next wait: it cannot cross threads.
    let ended = tokio::select! {
        done = connection.as_mut() => Some(done),
        () = stop(&mut stopped) => None,
    };
    let done = match ended {
        Some(done) => done,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "console connection ended");
    }
}

/// Waits until the server stops, or is gone.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
