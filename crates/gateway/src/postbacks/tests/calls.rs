//! One call: time, size and certificates.

use std::time::Instant;

use tokio_rustls::TlsAcceptor;

use super::*;

const SHORT: CallLimits = CallLimits {
    total: Duration::from_millis(400),
    body_bytes: 64 * 1024,
};

async fn answered(answer: &'static [u8], limits: CallLimits) -> Result<Reply, String> {
    let receiver = Listener::at(OUTSIDE, 0, answer).await;
    let caller = caller(Names::of(&[]), &[receiver.port], limits);
    get(&caller, &format!("http://{OUTSIDE}:{}/", receiver.port)).await
}

/// What is sent, then silence for longer than any call lasts.
async fn silent_after(answer: &'static [u8]) -> Result<Reply, String> {
    let listener = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).await;
        stream.write_all(answer).await.unwrap();
        std::future::pending::<()>().await;
    });
    let caller = caller(Names::of(&[]), &[port], SHORT);
    get(&caller, &format!("http://{OUTSIDE}:{port}/")).await
}

#[tokio::test]
async fn an_answer_is_read_with_its_wish_to_wait() {
    let answer = b"HTTP/1.1 429 Slow\r\nretry-after: 17\r\ncontent-length: 4\r\n\r\nlate";
    let reply = answered(answer, LIMITS).await.unwrap();
    assert_eq!(
        (reply.status, reply.retry_after.as_deref()),
        (429, Some("17"))
    );
    assert_eq!(reply.body, b"late");
}

#[tokio::test]
async fn a_body_is_cut_at_its_limit() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(5 * 1024 * 1024, b'x');
    let reply = answered(answer.leak(), LIMITS).await.unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, 64 * 1024));
}

#[tokio::test]
async fn silence_ends_with_the_time_limit() {
    let began = Instant::now();
    let why = silent_after(b"").await.unwrap_err();
    assert!(why.contains("no answer in 400ms"), "{why}");
    let why = silent_after(b"HTTP/1.1 200 OK\r\nx: ").await.unwrap_err();
    assert!(why.contains("no answer in 400ms"), "{why}");
    assert!(began.elapsed() >= SHORT.total * 2);
}

#[tokio::test]
async fn a_status_stands_when_the_body_never_ends() {
    let reply = silent_after(b"HTTP/1.1 204 OK\r\n\r\n").await.unwrap();
    assert_eq!(reply.status, 204);
    let reply = silent_after(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").await;
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"part"[..]));
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_in_words() {
    for (answer, word) in [
        (&b""[..], "no answer"),
        (b"SSH-2.0-OpenSSH_9\r\n", "no answer"),
        (b"HTTP/1.1 999999 x\r\n\r\n", "no answer"),
    ] {
        let why = answered(answer, LIMITS).await.unwrap_err();
        assert!(why.contains(word), "{why}");
    }
    // A port where nobody listens.
    let listener = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let caller = caller(Names::of(&[]), &[port], LIMITS);
    let why = get(&caller, &format!("http://{OUTSIDE}:{port}/")).await;
    assert!(why.unwrap_err().contains("was not reached"));
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let mut answer = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    answer.resize(4 * 1024 * 1024, b'x');
    assert!(answered(answer.leak(), LIMITS).await.is_err());
}

/// A receiver over TLS with a certificate for `secure.example`.
async fn secure() -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["secure.example".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await;
            let _ = stream.shutdown().await;
        }
    });
    (port, certificate)
}

#[tokio::test]
async fn a_receiver_must_prove_its_name() {
    let (port, certificate) = secure().await;
    let names = || {
        Names::of(&[
            ("secure.example", &[&[OUTSIDE]]),
            ("other.example", &[&[OUTSIDE]]),
        ])
    };
    let url = |host: &str| format!("https://{host}:{port}/");
    let trusted = trusting(names(), &[port], LIMITS, &[certificate]);
    let reply = get(&trusted, &url("secure.example")).await.unwrap();
    assert_eq!(reply.status, 200);
    for (caller, host) in [
        (&trusted, "other.example"),
        (&trusted, OUTSIDE),
        (&caller(names(), &[port], LIMITS), "secure.example"),
    ] {
        let why = get(caller, &url(host)).await.unwrap_err();
        assert!(why.contains("certificate"), "{host}: {why}");
    }
}
