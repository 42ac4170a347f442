//! TLS sessions over memory, between the library's own client and server.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use wardroom::config::Config;

/// A configuration whose arithmetic counts TLS.
pub fn config() -> Config {
    let mut config = Config::default();
    config.tls.certificate = vec!["chain.pem".into()];
    config
}

/// So many servers' sides of sessions in which something was said either way.
pub fn sessions(count: usize) -> Vec<ServerConnection> {
    let made =
        rcgen::generate_simple_self_signed(["chat.example".to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a server");
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (server, client) = (Arc::new(server), Arc::new(client));
    (0..count)
        .map(|_| {
            let name = ServerName::try_from("chat.example").expect("a name");
            let mut client = ClientConnection::new(Arc::clone(&client), name).expect("a client");
            let mut server = ServerConnection::new(Arc::clone(&server)).expect("a session");
            talk(&mut client, &mut server);
            server
        })
        .collect()
}

fn talk(client: &mut ClientConnection, server: &mut ServerConnection) {
    client.writer().write_all(b"hello").expect("room");
    server.writer().write_all(b"hello").expect("room");
    let mut wire = Vec::new();
    while client.wants_write() || server.wants_write() {
        wire.clear();
        client.write_tls(&mut wire).expect("memory");
        server.read_tls(&mut wire.as_slice()).expect("memory");
        server.process_new_packets().expect("TLS");
        wire.clear();
        server.write_tls(&mut wire).expect("memory");
        client.read_tls(&mut wire.as_slice()).expect("memory");
        client.process_new_packets().expect("TLS");
    }
    let mut said = [0; 5];
    server.reader().read_exact(&mut said).expect("it was said");
}
