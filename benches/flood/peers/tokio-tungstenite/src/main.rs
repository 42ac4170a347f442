//! A chat on tokio-tungstenite of the plainest kind: the library's own settings, a task for each member, an unbounded
//! channel to each, one thread.
//!
//! `flood-tokio-tungstenite PORT SECRET_FILE`. Tokens (HS256) come in the address.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{StreamExt, TryStreamExt, future};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

#[derive(Clone)]
struct Chat {
    members: Arc<Mutex<HashMap<SocketAddr, UnboundedSender<Message>>>>,
    key: Arc<DecodingKey>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("a port is missing")?.parse()?;
    let secret = std::fs::read(arguments.next().ok_or("a secret is missing")?)?;
    let chat = Chat {
        members: Arc::default(),
        key: Arc::new(DecodingKey::from_secret(&secret)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    Ok(runtime.block_on(serve(port, chat))?)
}

async fn serve(port: u16, chat: Chat) -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        // Out of descriptors, or somebody who went before they were met.
        let Ok((stream, address)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        tokio::spawn(member(stream, address, chat.clone()));
    }
}

/// However it ends: that is how a member goes.
async fn member(stream: TcpStream, address: SocketAddr, chat: Chat) -> Result<(), WsError> {
    stream.set_nodelay(true)?;
    let key = chat.key.clone();
    let check = move |request: &Request, response: Response| match is_signed_in(request, &key) {
        true => Ok(response),
        false => Err(unauthorized()),
    };
    let socket = accept_hdr_async(stream, check).await?;
    let (to_member, queue) = unbounded();
    let members = chat.members;
    let all = || members.lock().unwrap_or_else(PoisonError::into_inner);
    all().insert(address, to_member);
    let (outgoing, incoming) = socket.split();
    let broadcast = incoming.try_for_each(|message| {
        if message.is_text() || message.is_binary() {
            for member in all().values() {
                let _ = member.unbounded_send(message.clone());
            }
        }
        future::ok(())
    });
    let deliver = queue.map(Ok).forward(outgoing);
    let ended = future::select(broadcast, deliver).await.factor_first().0;
    all().remove(&address);
    ended
}

fn is_signed_in(request: &Request, key: &DecodingKey) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let token = query.split('&').find_map(|part| part.strip_prefix("token="));
    let validation = Validation::new(Algorithm::HS256);
    decode::<Value>(token.unwrap_or_default(), key, &validation).is_ok()
}

fn unauthorized() -> ErrorResponse {
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::UNAUTHORIZED;
    refusal
}
