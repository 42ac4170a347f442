//! TLS at the real program: handshakes good and bad, certificates, closing, and a chat over it.

mod after;
pub mod authority;
mod certificates;
mod closing;
mod counted;
mod hostile;
mod sealed;
mod sessions;

use std::fs;
use std::sync::Arc;

use rustls::ClientConfig;
use tempfile::TempDir;

use crate::peer::Peer;
use crate::server::Server;
use authority::Authority;

/// Everything that does not concern TLS is wide open.
const LIMITS: &str = r#"
[limits]
connections_per_address = 1000
offences_per_address = { burst = 100000, per = "1s" }
connections_per_user = 1000
plain_per_address = 1000
handshakes_per_address = { burst = 1000000, per = "1s" }
bytes_per_address = { burst = 1000000000, per = "1s" }
bytes_per_connection = { burst = 1000000000, per = "1s" }
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
"#;

/// The listener's certificate is for `chat.example` and `*.rooms.example`.
pub const TLS: &str = "[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n";

/// A server with TLS, and whoever signed its certificate.
pub struct Secure {
    pub server: Server,
    pub authority: Authority,
}

/// A directory with a chain and a key for the names that [`TLS`] is about.
pub fn directory(authority: &Authority) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let identity = authority.server(&["chat.example", "*.rooms.example"]);
    identity.write(directory.path(), "chain.pem", "key.pem");
    directory
}

impl Secure {
    /// Serves TLS with further lines of `[tls]` and further sections.
    pub fn serve(tls: &str, sections: &str) -> Secure {
        Secure::serve_within(LIMITS, tls, sections)
    }

    /// The same within limits that do concern TLS.
    pub fn serve_within(limits: &str, tls: &str, sections: &str) -> Secure {
        let authority = Authority::new();
        let directory = directory(&authority);
        fs::write(directory.path().join("clients.pem"), authority.pem()).expect("a file");
        let server = Server::serve_in(directory, &format!("{limits}{sections}\n{TLS}{tls}"));
        Secure { server, authority }
    }

    pub fn client(&self) -> Arc<ClientConfig> {
        self.authority.client(rustls::DEFAULT_VERSIONS)
    }

    /// Connected as a client that trusts the server's authority.
    pub fn connect(&self) -> Peer {
        Peer::secure(self.server.address, &self.client(), "chat.example").expect("a handshake")
    }

    /// In the chat as `user`.
    pub fn join(&self, user: &str) -> Peer {
        let mut peer = self.connect();
        let token = self.server.token(user);
        peer.upgrade("/ws/chat", &format!("Authorization: Bearer {token}\r\n"));
        peer
    }
}
