//! The tokio-tungstenite peer: an echo or a broadcast after the library's own examples, on one thread.
//!
//! `bench-tokio-tungstenite PORT echo|fan-out [CERTIFICATE KEY]`, the last two for TLS.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{StreamExt, TryStreamExt, future};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as WsError, Message, protocol::WebSocketConfig};

/// Of the read and of the write buffer: the defaults, 128 KiB each, would only cost it memory.
const BUFFER_BYTES: usize = 4096;

type Members = Rc<RefCell<HashMap<SocketAddr, UnboundedSender<Message>>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("a port is missing")?.parse()?;
    let echoes = arguments.next().as_deref() == Some("echo");
    let acceptor = match (arguments.next(), arguments.next()) {
        (Some(certificate), Some(key)) => Some(acceptor(&certificate, &key)?),
        _ => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    Ok(LocalSet::new().block_on(&runtime, serve(port, echoes, acceptor))?)
}

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(port: u16, echoes: bool, acceptor: Option<TlsAcceptor>) -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let members = Members::default();
    loop {
        let (stream, address) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let members = members.clone();
        match acceptor.clone() {
            None => spawn_local(connection(stream, address, members, echoes)),
            Some(acceptor) => spawn_local(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    connection(stream, address, members, echoes).await;
                }
            }),
        };
    }
}

async fn connection<S>(stream: S, address: SocketAddr, members: Members, echoes: bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    let Ok(socket) = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await else {
        return;
    };
    // Either may end in an error, which is how a peer that went away without a word shows.
    let _ = if echoes {
        echo(socket).await
    } else {
        member(socket, address, members).await
    };
}

async fn echo<S>(socket: WebSocketStream<S>) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (outgoing, incoming) = socket.split();
    incoming
        .try_filter(|message| future::ready(message.is_text() || message.is_binary()))
        .forward(outgoing)
        .await
}

async fn member<S>(
    socket: WebSocketStream<S>,
    address: SocketAddr,
    members: Members,
) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (to_member, queue) = unbounded();
    members.borrow_mut().insert(address, to_member);
    let (outgoing, incoming) = socket.split();
    let broadcast = incoming.try_for_each(|message| {
        if message.is_text() || message.is_binary() {
            for member in members.borrow().values() {
                let _ = member.unbounded_send(message.clone());
            }
        }
        future::ok(())
    });
    let deliver = queue.map(Ok).forward(outgoing);
    let ended = future::select(broadcast, deliver).await.factor_first().0;
    members.borrow_mut().remove(&address);
    ended
}
