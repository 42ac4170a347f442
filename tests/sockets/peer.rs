//! A client that is nothing but a socket: it sends what it is told to, legal or not.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::Value;
use wardroom::simulation::{self, Frame, Recording, upgrade_request};

use crate::server::{PATIENCE, Server};

pub struct Peer {
    stream: Stream,
    inbox: Vec<u8>,
    recording: Recording,
}

/// What a peer's bytes travel over.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => &tls.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.read(buffer),
            Stream::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.write(bytes),
            Stream::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(tcp) => tcp.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}

impl Peer {
    pub fn connect(address: SocketAddr) -> Peer {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Peer {
            stream: Stream::Plain(stream),
            inbox: Vec::new(),
            recording: Recording::default(),
        }
    }

    /// Connected by TLS to a server that is asked for as `name`; the handshake is done.
    pub fn secure(
        address: SocketAddr,
        config: &Arc<ClientConfig>,
        name: &'static str,
    ) -> io::Result<Peer> {
        let mut peer = Peer::connect(address);
        let Stream::Plain(stream) = peer.stream else {
            unreachable!("it was just made");
        };
        let name = name.try_into().expect("a name");
        let client = ClientConnection::new(Arc::clone(config), name).expect("a configuration");
        let mut tls = StreamOwned::new(client, stream);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        peer.stream = Stream::Tls(Box::new(tls));
        Ok(peer)
    }

    /// What the handshake agreed on.
    pub fn tls(&mut self) -> &mut ClientConnection {
        match &mut self.stream {
            Stream::Tls(tls) => &mut tls.conn,
            Stream::Plain(_) => panic!("it is plain"),
        }
    }

    /// Sends bytes that are no TLS, or none that the session knows of.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream
            .tcp()
            .write_all(bytes)
            .expect("the server reads");
    }

    /// Upgrades the connection on `path`.
    pub fn upgrade(&mut self, path: &str, fields: &str) {
        self.send(upgrade_request(path, fields).as_bytes());
        let head = self.head().expect("an answer");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    /// Upgraded on `path` with a token, every byte after the head still to be read.
    pub fn open(server: &Server, path: &str, token: &str) -> Peer {
        Peer::open_with(server, path, token, "")
    }

    /// The same with more field lines.
    pub fn open_with(server: &Server, path: &str, token: &str, fields: &str) -> Peer {
        let mut peer = Peer::connect(server.address);
        peer.upgrade(path, &format!("Authorization: Bearer {token}\r\n{fields}"));
        peer
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.recording.note(bytes);
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends to a server that may have stopped listening for good; whether everything went out.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        match self.stream.write_all(bytes) {
            Ok(()) => true,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ) =>
            {
                false
            }
            Err(error) => panic!("the server neither reads nor ends: {error}"),
        }
    }

    pub fn say(&mut self, message: &str) {
        self.send(&simulation::text(message));
    }

    /// Sends what the session has to say on its own.
    pub fn flush(&mut self) {
        self.stream.flush().expect("the server reads");
    }

    /// Everything up to the end, or why there was none in order.
    pub fn try_rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = std::mem::take(&mut self.inbox);
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// Says that nothing more will come.
    pub fn shut(&self) {
        self.stream
            .tcp()
            .shutdown(Shutdown::Write)
            .expect("still connected");
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        sockopt::set_socket_linger(self.stream.tcp(), Some(Duration::ZERO)).expect("a socket");
    }

    /// Takes little off the network at a time, for a peer that means to read nothing at all.
    pub fn narrow(&self) {
        sockopt::set_socket_recv_buffer_size(self.stream.tcp(), 4096).expect("a socket");
    }

    /// An error that the kernel has noted for this socket, such as a reset.
    pub fn kernel_error(&self) -> Option<io::Error> {
        self.stream.tcp().take_error().expect("a socket")
    }

    /// Reads on; whether the end is a reset.
    pub fn is_reset(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    /// Reads what there is; `false` at the orderly end.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.inbox.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) => panic!("instead of bytes or an orderly end: {error}"),
        }
    }

    /// Reads for at most `time`; `false` at the orderly end.
    pub fn read_for(&mut self, time: Duration) -> bool {
        self.stream
            .tcp()
            .set_read_timeout(Some(time))
            .expect("a socket");
        let mut byte = [0; 1024];
        let goes_on = match self.stream.read(&mut byte) {
            Ok(count) => {
                self.inbox.extend_from_slice(&byte[..count]);
                count > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                true
            }
            Err(error) => panic!("instead of bytes or an orderly end: {error}"),
        };
        self.stream
            .tcp()
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket");
        goes_on
    }

    /// Everything up to the orderly end.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.inbox)
    }

    /// The head of an HTTP response; `None` when the end comes first.
    pub fn head(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.inbox.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.inbox.drain(..at + 4).collect();
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            if !self.read_more() {
                return None;
            }
        }
    }

    /// The status of a plain request on a connection that ends with it. The server may be full.
    pub fn get(mut self, path: &str) -> String {
        self.try_send(
            format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        );
        let answer = String::from_utf8_lossy(&self.rest()).into_owned();
        answer.get(9..12).unwrap_or_default().to_owned()
    }

    /// The next frame; `None` at the orderly end.
    pub fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, bytes)) = parse(&self.inbox) {
                self.inbox.drain(..bytes);
                return Some(frame);
            }
            if !self.read_more() {
                assert!(self.inbox.is_empty(), "half a frame: {:?}", self.inbox);
                return None;
            }
        }
    }

    /// The next text message, parsed.
    pub fn notice(&mut self) -> Value {
        loop {
            let frame = self.frame().expect("a message, not the end");
            if frame.opcode == 1 {
                return serde_json::from_slice(&frame.payload).expect("the server speaks JSON");
            }
            assert_ne!(
                frame.opcode, 8,
                "a message, not a close: {:?}",
                frame.payload
            );
        }
    }

    /// Reads up to the close frame and gives its code; the frames before it are dropped.
    pub fn close_code(&mut self) -> Option<u16> {
        loop {
            let frame = self.frame()?;
            if frame.opcode == 8 {
                let code = frame.payload.first_chunk().copied();
                return Some(code.map_or(1005, u16::from_be_bytes));
            }
        }
    }

    /// Reads to the orderly end: nothing may follow the close frame.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "after the close frame: {rest:?}");
    }
}

fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    assert_eq!(second & 0x80, 0, "a server never masks (RFC 6455 §5.1)");
    assert_eq!(first & 0xF0, 0x80, "nothing is fragmented or reserved");
    let (header, length) = match second {
        126 => (
            4,
            usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)),
        ),
        127 => (10, u64::from_be_bytes(*rest.first_chunk::<8>()?) as usize),
        short => (2, usize::from(*short)),
    };
    let payload = bytes.get(header..header + length)?.to_vec();
    let opcode = first & 0x0F;
    Some((Frame { opcode, payload }, header + length))
}
