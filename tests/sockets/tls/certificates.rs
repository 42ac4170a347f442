//! Certificates: which one is shown, which do not start, replacing them, and those of clients.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use wardroom::access::certificate::WithCertificates;
use wardroom::access::token::TokenAuthenticator;
use wardroom::config::Config;
use wardroom::reactor::{self, TlsAcceptor};
use wardroom::time::Wall;

use super::authority::Authority;
use super::{Secure, TLS, directory};
use crate::peer::Peer;
use crate::server::{PATIENCE, SECRET, Server, wardroom, write_secret};

/// The certificate that a server shows under `name`.
fn shown(peer: &mut Peer) -> CertificateDer<'static> {
    let chain = peer.tls().peer_certificates().expect("a certificate");
    chain[0].clone().into_owned()
}

#[test]
fn the_certificate_is_the_one_of_the_name_that_is_asked_for() {
    let authority = Authority::new();
    let directory = directory(&authority);
    let other = authority.server(&["other.example"]);
    other.write(directory.path(), "other.pem", "other.key");
    let config =
        "[tls]\ncertificate = [\"chain.pem\", \"other.pem\"]\nkey = [\"key.pem\", \"other.key\"]\n";
    let server = Server::serve_in(directory, config);
    let client = authority.client(rustls::DEFAULT_VERSIONS);
    let connect = |name| Peer::secure(server.address, &client, name);
    let first = shown(&mut connect("chat.example").expect("the first"));
    let second = shown(&mut connect("other.example").expect("the second"));
    assert_ne!(first, second);
    assert_eq!(second, other.der().0[0]);
    assert_eq!(
        shown(&mut connect("blue.rooms.example").expect("a wildcard")),
        first
    );
    for name in ["rooms.example", "a.b.rooms.example", "unknown.example"] {
        let error = connect(name)
            .err()
            .expect("the first is shown, and is another's");
        assert!(error.to_string().contains("not valid for name"), "{error}");
    }
}

/// What `wardroom check` says of a `[tls]` in `directory`, and its exit code.
fn check(directory: &Path, tls: &str) -> (Option<i32>, String, String) {
    let config =
        format!("[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n[tls]\n{tls}");
    fs::write(directory.join("wardroom.toml"), config).expect("a file");
    let mut command = wardroom(directory);
    let output = command
        .args(["check", "wardroom.toml"])
        .output()
        .expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn what_can_not_be_used_does_not_start_and_the_error_names_the_setting() {
    let authority = Authority::new();
    let directory = directory(&authority);
    let path = directory.path();
    write_secret(&path.join("secret"), SECRET);
    authority
        .server(&["other.example"])
        .write(path, "other.pem", "other.key");
    let mut past = rcgen::CertificateParams::new(vec!["chat.example".to_owned()]).expect("names");
    past.not_after = rcgen::date_time_ymd(2020, 1, 1);
    authority.issue(&past).write(path, "past.pem", "past.key");
    past.not_before = rcgen::date_time_ymd(2090, 1, 1);
    past.not_after = rcgen::date_time_ymd(2091, 1, 1);
    authority
        .issue(&past)
        .write(path, "future.pem", "future.key");
    fs::write(path.join("empty.pem"), "").expect("a file");
    fs::write(
        path.join("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .expect("a file");
    fs::copy(path.join("key.pem"), path.join("open.key")).expect("a file");
    fs::set_permissions(path.join("open.key"), fs::Permissions::from_mode(0o644)).expect("a file");
    fs::set_permissions(path.join("empty.pem"), fs::Permissions::from_mode(0o600)).expect("a file");
    let pair = |chain: &str, key: &str| format!("certificate = \"{chain}\"\nkey = \"{key}\"\n");
    let good = pair("chain.pem", "key.pem");
    let cases = [
        (
            pair("none.pem", "key.pem"),
            "tls.certificate[0]: found no such file",
        ),
        (
            pair("chain.pem", "none.pem"),
            "tls.key[0]: found no such file",
        ),
        (
            pair("empty.pem", "key.pem"),
            "tls.certificate[0]: found no certificate",
        ),
        (
            pair("broken.pem", "key.pem"),
            "tls.certificate[0]: found a certificate that can not be read",
        ),
        (
            pair("past.pem", "past.key"),
            "tls.certificate[0]: found a certificate that ended",
        ),
        (
            pair("future.pem", "future.key"),
            "tls.certificate[0]: found a certificate that begins in",
        ),
        (
            pair("chain.pem", "empty.pem"),
            "tls.key[0]: found no private key",
        ),
        (
            pair("chain.pem", "chain.pem"),
            "tls.key[0]: found a secret that others can get at",
        ),
        (
            pair("chain.pem", "open.key"),
            "tls.key[0]: found a secret that others can get at",
        ),
        (
            pair("chain.pem", "other.key"),
            "tls.key[0]: found the key of another certificate",
        ),
        (
            "certificate = \"chain.pem\"\n".to_owned(),
            "tls.key: found not set while tls.certificate",
        ),
        (
            "key = \"key.pem\"\n".to_owned(),
            "tls.key: found [\"key.pem\"] while tls.certificate",
        ),
        (
            "hsts = \"1d\"\n".to_owned(),
            "tls.hsts: found \"1d\" while tls.certificate = not set",
        ),
        (
            format!("{good}client_certificates = \"required\"\n"),
            "tls.client_certificates: found \"required\" while tls.client_ca = not set",
        ),
        (
            format!("{good}client_certificates = \"required\"\nclient_ca = \"empty.pem\"\n"),
            "tls.client_ca: found no authority that can be used",
        ),
    ];
    for (tls, expected) in cases {
        let (code, _, error) = check(path, &tls);
        assert_eq!(code, Some(2), "{tls}: {error}");
        assert!(error.contains(expected), "{tls}: {error}");
        assert!(!error.contains("PRIVATE"), "{error}");
    }
    let (code, report, error) = check(path, &good);
    assert_eq!(code, Some(0), "{error}");
    assert!(report.contains("chat.example, *.rooms.example"), "{report}");
}

/// A server in this process, which a test can hand new certificates to.
fn embedded(directory: &TempDir) -> reactor::Server {
    write_secret(&directory.path().join("secret"), SECRET);
    let file = directory.path().join("wardroom.toml");
    let keys = "[listen]\naddress = \"127.0.0.1:0\"\n[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n";
    fs::write(&file, format!("{keys}{TLS}")).expect("a file");
    let config = Config::load(Some(&file), &[], [])
        .expect("it is right")
        .config;
    let tokens = TokenAuthenticator::new(&config.auth).expect("a key");
    reactor::Server::bind(config, Box::new(WithCertificates(tokens))).expect("a free port")
}

fn load(directory: &TempDir) -> Result<TlsAcceptor, String> {
    let file = directory.path().join("wardroom.toml");
    let config = Config::load(Some(&file), &[], [])
        .map_err(|_| "config")?
        .config;
    let date = Wall::from_millis(1_764_000_000_000);
    let acceptor = TlsAcceptor::new(&config.tls, date).map_err(|error| error.to_string())?;
    acceptor.ok_or_else(|| "TLS is off".to_owned())
}

#[test]
fn a_certificate_is_replaced_while_connections_stay_open() {
    let authority = Authority::new();
    let directory = directory(&authority);
    let server = embedded(&directory);
    let (address, handle, stop) = (
        server.local_address(),
        server.tls_handle(),
        server.stop_handle(),
    );
    let serving = std::thread::spawn(move || server.run());
    let client = authority.client(rustls::DEFAULT_VERSIONS);
    let connect = || Peer::secure(address, &client, "chat.example").expect("a handshake");
    let mut open = connect();
    let first = shown(&mut open);
    open.send(b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(open.head().expect("an answer").starts_with("HTTP/1.1 200"));

    authority
        .server(&["chat.example"])
        .write(directory.path(), "chain.pem", "key.pem");
    handle
        .replace(load(&directory).expect("good files"))
        .expect("a waker");
    let mut next = connect();
    assert_ne!(shown(&mut next), first, "new connections see the new one");
    assert_eq!(
        next.tls().handshake_kind(),
        Some(rustls::HandshakeKind::Full),
        "no ticket of the old one is taken"
    );
    assert_eq!(open.get("/healthz"), "200", "the old connection goes on");

    fs::write(directory.path().join("chain.pem"), "").expect("a file");
    assert!(load(&directory).is_err_and(|error| error.contains("tls.certificate[0]")));
    assert_eq!(connect().get("/healthz"), "200", "and nothing changes");
    stop.stop().expect("a waker");
    serving.join().expect("no panic").expect("no error");
}

#[test]
fn two_people_chat_on_while_the_files_of_the_certificate_change_under_them() {
    let secure = Secure::serve("look_every = \"100ms\"\n", "");
    let (mut alice, mut bob) = (secure.join("alice"), secure.join("bob"));
    let first = shown(&mut alice);
    let folder = secure.server.folder();
    fs::write(folder.join("key.pem"), "half of a ke").expect("a file");
    secure
        .server
        .wait_for_line("not replaced: tls.key[0]: found no private key");
    assert_eq!(shown(&mut secure.connect()), first, "nothing has changed");
    let renewed = secure.authority.server(&["chat.example"]);
    renewed.write(folder, "chain.pem", "key.pem");
    secure
        .server
        .wait_for_line("certificates have changed and are replaced");
    // The line is written before the loop is woken.
    let until = Instant::now() + PATIENCE;
    while shown(&mut secure.connect()) == first {
        assert!(Instant::now() < until, "the old one is still shown");
    }
    bob.say("{\"message\":\"new to you\"}");
    while alice.notice()["message"] != "new to you" {}
    let mut carol = secure.join("carol");
    carol.say("{\"message\":\"new to me\"}");
    while alice.notice()["message"] != "new to me" {}

    secure
        .authority
        .server(&["chat.example"])
        .write(folder, "chain.pem", "key.pem");
    secure.server.signal(rustix::process::Signal::HUP);
    secure.server.wait_for_line("reloaded: 0 settings changed");
    assert_ne!(shown(&mut secure.connect()), renewed.der().0[0]);
    alice.say("{\"message\":\"and I am still here\"}");
    while bob.notice()["message"] != "and I am still here" {}
}

const CLIENTS: &str = "client_ca = \"clients.pem\"\n";

fn as_client(secure: &Secure, common: &str) -> Arc<rustls::ClientConfig> {
    let issued = secure.authority.user(common);
    secure
        .authority
        .client_as(rustls::DEFAULT_VERSIONS, Some(&issued))
}

/// Who somebody is to the others.
fn who(peer: &mut Peer) -> String {
    // Whoever was here a moment ago comes back without a word of the server.
    peer.say(r#"{"message":"it is me"}"#);
    loop {
        let notice = peer.notice();
        if notice["message"] == "it is me" {
            return notice["sender"].as_str().expect("a name").to_owned();
        }
    }
}

#[test]
fn a_certificate_of_a_client_is_its_credential_after_all_others() {
    let secure = Secure::serve(
        &format!("client_certificates = \"optional\"\n{CLIENTS}"),
        "",
    );
    let client = as_client(&secure, "carol");
    let connect =
        || Peer::secure(secure.server.address, &client, "chat.example").expect("a handshake");
    // The second connection goes on with the session of the first, and so with its certificate.
    for _ in 0..2 {
        let mut carol = connect();
        carol.upgrade("/ws/chat", "");
        assert_eq!(who(&mut carol), "carol");
    }
    let mut dave = connect();
    let token = secure.server.token("dave");
    dave.upgrade("/ws/chat", &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!(who(&mut dave), "dave");
    // A bad credential is not made up for by a good certificate.
    let mut bad = connect();
    bad.upgrade("/ws/chat", "Authorization: Bearer nonsense\r\n");
    assert_eq!(bad.close_code(), Some(1008));
    // A page elsewhere, whose browser adds the certificate.
    let mut page = connect();
    let fields = "Sec-Fetch-Site: cross-site\r\n";
    page.send(wardroom::simulation::upgrade_request("/ws/chat", fields).as_bytes());
    assert!(page.head().expect("an answer").starts_with("HTTP/1.1 403 "));
}

#[test]
fn optional_lets_clients_without_a_certificate_in_and_required_does_not() {
    let optional = Secure::serve(
        &format!("client_certificates = \"optional\"\n{CLIENTS}"),
        "",
    );
    let mut nobody = optional.connect();
    nobody.upgrade("/ws/chat", "");
    assert_eq!(nobody.close_code(), Some(1008));
    optional.join("alice");

    let required = Secure::serve(
        &format!("client_certificates = \"required\"\n{CLIENTS}"),
        "",
    );
    let refused = |client: &Arc<rustls::ClientConfig>| {
        // In TLS 1.3 the client learns of it when it reads.
        let peer = Peer::secure(required.server.address, client, "chat.example");
        let error = peer
            .and_then(|mut peer| peer.try_rest())
            .expect_err("no session");
        error.to_string()
    };
    let error = refused(&required.client());
    assert!(error.contains("CertificateRequired"), "{error}");
    let stranger = Authority::new().user("carol");
    let error = refused(
        &required
            .authority
            .client_as(rustls::DEFAULT_VERSIONS, Some(&stranger)),
    );
    assert!(
        error.contains("UnknownCA") || error.contains("DecryptError"),
        "{error}"
    );
    let client = as_client(&required, "carol");
    let mut carol =
        Peer::secure(required.server.address, &client, "chat.example").expect("a handshake");
    carol.upgrade("/ws/chat", "");
    assert_eq!(who(&mut carol), "carol");
}

#[test]
fn browsers_are_told_to_stay_with_https_and_shown_the_way_there() {
    let redirect = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let redirect_address = redirect.local_addr().expect("an address");
    drop(redirect);
    let secure = Secure::serve(
        &format!("hsts = \"1d\"\nredirect_address = \"{redirect_address}\"\n"),
        "",
    );
    for (request, status) in [("/healthz", "200"), ("/nowhere", "404")] {
        let mut peer = secure.connect();
        peer.send(format!("GET {request} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let head = peer.head().expect("an answer");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(
            head.contains("\r\nStrict-Transport-Security: max-age=86400\r\n"),
            "{head}"
        );
    }
    let port = secure.server.address.port();
    let cases = [
        (
            "GET /a?b=c HTTP/1.1\r\nHost: chat.example\r\n\r\n",
            "308",
            format!("https://chat.example:{port}/a?b=c"),
        ),
        (
            "HEAD / HTTP/1.1\r\nHost: chat.example:80\r\n\r\n",
            "308",
            format!("https://chat.example:{port}/"),
        ),
        (
            "POST / HTTP/1.1\r\nHost: chat.example:80\r\nContent-Length: 1\r\n\r\nx",
            "400",
            String::new(),
        ),
        (
            "GET / HTTP/1.1\r\nHost: evil.example/..\r\n\r\n",
            "400",
            String::new(),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a@evil.example\r\n\r\n",
            "400",
            String::new(),
        ),
        ("GET / HTTP/1.1\r\n\r\n", "400", String::new()),
        // Whoever shows a credential in the clear is told, not sent on.
        (
            "GET /ws/chat?token=secret HTTP/1.1\r\nHost: a\r\n\r\n",
            "400",
            String::new(),
        ),
        (
            "POST /ticket HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\r\n\r\n",
            "400",
            String::new(),
        ),
        (
            "GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "400",
            String::new(),
        ),
    ];
    for (request, status, location) in cases {
        let mut peer = Peer::connect(redirect_address);
        peer.send(request.as_bytes());
        let answer = String::from_utf8(peer.rest()).expect("text");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        let told = answer
            .lines()
            .find_map(|line| line.strip_prefix("Location: "));
        assert_eq!(told.unwrap_or_default(), location, "{request}");
        assert!(!answer.contains("Strict-Transport"), "{answer}");
    }
}
