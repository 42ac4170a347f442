//! The operator's own program, as good or as bad as a test wants it: one thread per connection, over plain sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// One request, whole.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: String,
}

impl Request {
    /// The credential that it asks about.
    pub fn credential(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("the body is JSON");
        body["credential"]
            .as_str()
            .expect("a credential")
            .to_owned()
    }
}

/// What is done with a request; the connection ends when it says `false`.
pub type Behaviour = fn(&Request, &mut TcpStream) -> bool;

pub struct Backend {
    pub address: SocketAddr,
    /// Every request, as it came.
    pub asked: Receiver<Request>,
    shared: Arc<Shared>,
    accepting: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    most: AtomicUsize,
    accepted: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

impl Backend {
    pub fn start(behaviour: Behaviour) -> Backend {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Backend::at(any, behaviour)
    }

    /// At an address of one that was there before.
    pub fn at(address: SocketAddr, behaviour: Behaviour) -> Backend {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let (ask, asked) = channel();
        let accepting = {
            let shared = shared.clone();
            thread::spawn(move || shared.accept(&listener, &ask, behaviour))
        };
        Backend {
            address,
            asked,
            shared,
            accepting: Some(accepting),
        }
    }

    /// Connections that were open at the same time, at most.
    pub fn most_connections(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Connections open now.
    pub fn connections(&self) -> usize {
        self.shared.open()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
        for stream in self.shared.streams.lock().expect("no panic").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn accept(
        self: Arc<Self>,
        listener: &TcpListener,
        ask: &Sender<Request>,
        behaviour: Behaviour,
    ) {
        while let Ok((mut stream, _)) = listener.accept() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            self.accepted.fetch_add(1, Ordering::SeqCst);
            let kept = stream.try_clone().expect("a socket");
            self.streams.lock().expect("no panic").push(kept);
            self.most.fetch_max(self.open(), Ordering::SeqCst);
            let ask = ask.clone();
            thread::spawn(move || {
                while let Some(request) = read_request(&mut stream) {
                    let _ = ask.send(request.clone());
                    if !behaviour(&request, &mut stream) {
                        break;
                    }
                }
                let _ = stream.shutdown(Shutdown::Both);
            });
        }
    }

    /// Connections that the other side has not closed, by what the kernel knows now: on loopback it knows of a close before
    /// it knows of what is opened instead.
    fn open(&self) -> usize {
        let mut streams = self.streams.lock().expect("no panic");
        streams.retain(|stream| {
            let peeked = recv(stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
            match peeked {
                Ok((_, count)) => count > 0,
                Err(error) => error == Errno::AGAIN,
            }
        });
        streams.len()
    }
}

/// One request with its body; `None` at the end.
fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at + 4]).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.trim().parse().expect("a length"));
            if bytes.len() >= at + 4 + length {
                let body = String::from_utf8_lossy(&bytes[at + 4..at + 4 + length]).into_owned();
                return Some(Request { head, body });
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

/// Writes what it can: whoever asked may have lost patience.
pub fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

/// A response with a JSON body.
pub fn respond(stream: &mut TcpStream, status: &str, body: &str) -> bool {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    send(stream, format!("{head}{body}").as_bytes())
}

/// Knows credentials that begin with `good-`: the rest is the user.
pub fn good(request: &Request, stream: &mut TcpStream) -> bool {
    match request.credential().strip_prefix("good-") {
        Some(user) => respond(stream, "200 OK", &format!("{{\"user\":\"{user}\"}}")),
        None => respond(stream, "401 Unauthorized", "{}"),
    }
}

/// A good answer, and behind it one that says somebody else.
pub fn twice(request: &Request, stream: &mut TcpStream) -> bool {
    good(request, stream) && respond(stream, "200 OK", "{\"user\":\"admin\"}")
}

/// The same, with the second one when the next question may be on its way.
pub fn late(request: &Request, stream: &mut TcpStream) -> bool {
    let is_taken = good(request, stream);
    thread::sleep(std::time::Duration::from_millis(20));
    is_taken && respond(stream, "200 OK", "{\"user\":\"admin\"}")
}

/// Never answers, and lets go when the other side does.
pub fn hang(_: &Request, stream: &mut TcpStream) -> bool {
    let _ = stream.read(&mut [0]);
    false
}

pub fn redirect(_: &Request, stream: &mut TcpStream) -> bool {
    let port = stream.local_addr().expect("an address").port();
    let head = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{port}/elsewhere\r\n\
         Content-Length: 0\r\n\r\n"
    );
    send(stream, head.as_bytes())
}

pub fn fails(_: &Request, stream: &mut TcpStream) -> bool {
    respond(stream, "500 Internal Server Error", "{\"user\":\"alice\"}")
}

pub fn garbage(_: &Request, stream: &mut TcpStream) -> bool {
    respond(stream, "200 OK", "{\"user\":\"alice\",\"user\":\"admin\"}")
}

/// What would be a good answer, if its bytes were text.
pub fn bytes(_: &Request, stream: &mut TcpStream) -> bool {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n";
    send(stream, head.as_bytes()) && send(stream, b"{\"user\":\"ali\xFFce\"}")
}

pub fn no_http(_: &Request, stream: &mut TcpStream) -> bool {
    send(stream, b"{\"user\":\"alice\"}\r\n\r\n");
    false
}

pub fn html(_: &Request, stream: &mut TcpStream) -> bool {
    let body = "{\"user\":\"alice\"}";
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n");
    send(stream, format!("{head}{body}").as_bytes())
}

pub fn half(_: &Request, stream: &mut TcpStream) -> bool {
    send(
        stream,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"user\":\"ali",
    );
    false
}

/// As much as is taken, of which the first bytes would be a good answer.
pub fn endless(_: &Request, stream: &mut TcpStream) -> bool {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n";
    let mut is_taken = send(stream, head.as_bytes()) && send(stream, b"{\"user\":\"alice\"}");
    let spaces = [b' '; 64 * 1024];
    while is_taken {
        is_taken = send(stream, &spaces);
    }
    false
}

/// A good answer, one byte each tenth of a second.
pub fn drip(_: &Request, stream: &mut TcpStream) -> bool {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"user\":\"alice\"}";
    answer.iter().all(|byte| {
        thread::sleep(std::time::Duration::from_millis(100));
        send(stream, &[*byte])
    })
}
