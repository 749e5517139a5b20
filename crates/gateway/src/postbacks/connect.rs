//! Connections to receivers: resolve, check every address, connect to exactly that one.
//!
//! There is no second look-up between check and connection, so an answer that changes
//! (rebinding) reaches nothing inside. hyper's pool only ever holds connections made here.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::address::AddressPolicy;
use super::resolve::Resolver;

/// Most addresses of a host that are tried.
const ADDRESSES_TRIED: usize = 3;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL names no host.
    #[error("the URL names no host")]
    NoHost,
    /// Not one of the ports that receivers may have.
    #[error("port {0} is not among the ports of postbacks.ports")]
    Port(u16),
    /// No address, or none in time.
    #[error("{host} was not resolved: {cause}")]
    Resolve {
        /// Which host.
        host: String,
        /// What the resolver says.
        cause: String,
    },
    /// An address lies inside.
    #[error(
        "{host} leads to {ip}, which is inside or our own; postbacks.allow_private can allow it"
    )]
    Inside {
        /// Which host.
        host: String,
        /// Where it leads.
        ip: IpAddr,
    },
    /// Nobody answered.
    #[error("{address} was not reached: {cause}")]
    Connect {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        cause: String,
    },
}

/// Limits of making a connection.
#[derive(Clone, Debug)]
pub struct ConnectLimits {
    /// Ports that receivers may have.
    pub ports: Vec<u16>,
    /// Longest wait for the resolver.
    pub resolve: Duration,
    /// Longest wait for a connection, over all addresses.
    pub connect: Duration,
}

/// Makes connections that cannot lead inside.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    resolver: Arc<dyn Resolver>,
    addresses: AddressPolicy,
    limits: ConnectLimits,
}

impl Connector {
    /// A connector within these limits.
    pub fn new(
        resolver: Arc<dyn Resolver>,
        addresses: AddressPolicy,
        limits: ConnectLimits,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                resolver,
                addresses,
                limits,
            }),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.open(&target).await.map(TokioIo::new) })
    }
}

impl Shared {
    async fn open(&self, target: &Uri) -> Result<TcpStream, ConnectError> {
        let host = target.host().ok_or(ConnectError::NoHost)?;
        let https = target.scheme_str() == Some("https");
        let port = target.port_u16().unwrap_or(if https { 443 } else { 80 });
        if !self.limits.ports.contains(&port) {
            return Err(ConnectError::Port(port));
        }
        let addresses = self.checked(host).await?;
        self.connect(&addresses, port).await
    }

    /// The host's addresses, every one of them outside; one inside refuses them all.
    async fn checked(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        let refused = |cause: String| ConnectError::Resolve {
            host: host.to_owned(),
            cause,
        };
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        let mut found = match literal.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => timeout(self.limits.resolve, self.resolver.lookup(host))
                .await
                .map_err(|_| refused(format!("no answer in {:?}", self.limits.resolve)))?
                .map_err(|error| refused(error.to_string()))?,
        };
        if let Some(ip) = found.iter().find(|ip| !self.addresses.admits(**ip)) {
            return Err(ConnectError::Inside {
                host: host.to_owned(),
                ip: *ip,
            });
        }
        if found.is_empty() {
            return Err(refused("it has no address".to_owned()));
        }
        // Hosts without IPv6 of their own are common; IPv4 first costs the others nothing.
        found.sort_by_key(IpAddr::is_ipv6);
        found.truncate(ADDRESSES_TRIED);
        Ok(found)
    }

    async fn connect(&self, addresses: &[IpAddr], port: u16) -> Result<TcpStream, ConnectError> {
        let share = self.limits.connect / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut last = ConnectError::NoHost;
        for ip in addresses {
            let address = SocketAddr::new(*ip, port);
            let cause = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no connection in {share:?}"),
            };
            last = ConnectError::Connect { address, cause };
        }
        Err(last)
    }
}
