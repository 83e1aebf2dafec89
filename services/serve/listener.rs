//! The listener: one port, with or without TLS, and the thread that each connection is given to.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::threads::Threads;
use crate::config::TlsFiles;
use crate::door::Peer;

/// Connections that are open at the same time; the next one waits.
const CONNECTIONS_MAX: usize = 10_000;
/// How long a client may take to shake hands.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// A bound port.
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// A connection that nobody has read from yet.
pub struct Accepted {
    stream: std::net::TcpStream,
    tls: Option<TlsAcceptor>,
    /// The socket's other end.
    pub peer: Peer,
    /// Its place among all connections, free again when this is dropped.
    pub place: OwnedSemaphorePermit,
}

/// What a connection is read from and written to.
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Within TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Listener {
    /// Binds the port.
    ///
    /// # Errors
    /// An address in use, files that are no certificate and key.
    pub async fn bind(address: SocketAddr, tls: Option<&TlsFiles>) -> Result<Self> {
        let tls = tls.map(acceptor).transpose()?;
        let socket = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} (GATEPOST_LISTEN)"))?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            tls,
        })
    }

    /// Gives each connection that comes to a thread, until it is told to stop.
    pub async fn accept(self, threads: &Threads, mut stopped: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let all = async {
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match self.next(place).await {
                    Ok(accepted) => threads.give(accepted).await,
                    Err(error) => {
                        // Out of file descriptors, most likely: some connection must end first.
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = all => {}
            // A sender that is gone means the same as one that says so.
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    async fn next(&self, place: OwnedSemaphorePermit) -> io::Result<Accepted> {
        let (stream, peer) = self.socket.accept().await?;
        Ok(Accepted {
            stream: stream.into_std()?,
            tls: self.tls.clone(),
            peer: Peer(peer.ip()),
            place,
        })
    }
}

impl Accepted {
    /// Makes it a stream of the thread that this is called on. `None` if the other end does not
    /// shake hands, or not in time.
    pub async fn open(self) -> Option<(Stream, Peer, OwnedSemaphorePermit)> {
        let stream = TcpStream::from_std(self.stream).ok()?;
        stream.set_nodelay(true).ok()?;
        let stream = match self.tls {
            None => Stream::Plain(stream),
            Some(acceptor) => match timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                Ok(Err(_)) | Err(_) => return None,
            },
        };
        Some((stream, self.peer, self.place))
    }
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("GATEPOST_TLS_CERT `{}`", files.certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("GATEPOST_TLS_KEY `{}`", files.key.display()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("GATEPOST_TLS_CERT and GATEPOST_TLS_KEY do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
