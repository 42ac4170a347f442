use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use backend::{Backend, Behaviour};
use mio::{Events, Poll, Token};

use super::*;
use crate::access::Source;
use crate::access::hook::answer::AnswerFault;
use crate::protocol::json::JsonError;

#[path = "../../../tests/sockets/backend.rs"]
#[expect(dead_code, reason = "shared with the tests of the real program")]
mod backend;

const TIMEOUT: Duration = Duration::from_millis(500);
/// How long anything may take before a test says that it will not happen.
const PATIENCE: Duration = Duration::from_secs(20);

fn settings(address: SocketAddr) -> HookSettings {
    HookSettings {
        url: Some(format!("http://{address}/who")),
        timeout: TIMEOUT,
        ..HookSettings::default()
    }
}

fn question(credential: &str) -> Question {
    Question {
        source: Source::Bearer,
        credential: credential.into(),
        origin: None,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        path: "/ws/chat".into(),
    }
}

/// Threads that ask, and the poll that they wake.
struct Asking {
    workers: HookWorkers,
    poll: Poll,
}

impl Asking {
    fn start(settings: &HookSettings) -> Asking {
        let poll = Poll::new().expect("a poll");
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker"));
        let asker = Asker::prepare(settings).expect("it can be asked");
        let workers = HookWorkers::start(asker.expect("an address"), waker).expect("threads");
        Asking { workers, poll }
    }

    /// Asks one question and waits until the poll is woken.
    fn answer(&mut self, credential: &str) -> Answer {
        let unput = self.workers.ask(QuestionId(7), question(credential));
        assert_eq!(unput, None);
        let mut events = Events::with_capacity(1);
        let woken = self.poll.poll(&mut events, Some(PATIENCE));
        woken.expect("a poll");
        let (id, answer) = self.workers.next_answer().expect("an answer");
        assert_eq!(id, QuestionId(7));
        answer
    }
}

fn answer(settings: &HookSettings, credential: &str) -> Answer {
    Asking::start(settings).answer(credential)
}

fn known(user: &str) -> Answer {
    Answer::Known {
        identity: crate::access::Identity::new(user, user, None).expect("a good name"),
        expires: None,
    }
}

#[test]
fn only_a_plain_yes_is_one() {
    let unusable = Answer::Unusable;
    let cases: [(Behaviour, Answer, &str); 10] = [
        (backend::good, known("alice"), "good"),
        (
            backend::redirect,
            unusable(AnswerFault::Status(307)),
            "redirect",
        ),
        (backend::fails, unusable(AnswerFault::Status(500)), "fails"),
        (
            backend::garbage,
            unusable(AnswerFault::Json(JsonError::DuplicateField)),
            "garbage",
        ),
        (backend::html, unusable(AnswerFault::ContentType), "html"),
        (backend::endless, unusable(AnswerFault::Length), "endless"),
        (backend::no_http, Answer::Silent(Silence::Broken), "no http"),
        (backend::half, Answer::Silent(Silence::Broken), "half"),
        (backend::hang, Answer::Silent(Silence::TooSlow), "hang"),
        (backend::drip, Answer::Silent(Silence::TooSlow), "drip"),
    ];
    for (behaviour, expected, name) in cases {
        let backend = Backend::start(behaviour);
        let began = Instant::now();
        assert_eq!(
            answer(&settings(backend.address), "good-alice"),
            expected,
            "{name}"
        );
        assert!(
            began.elapsed() < 4 * TIMEOUT,
            "{name}: {:?}",
            began.elapsed()
        );
        assert_eq!(
            backend.accepted(),
            1,
            "{name}: asked once, and never elsewhere"
        );
    }
    let backend = Backend::start(backend::good);
    assert_eq!(answer(&settings(backend.address), "bad"), Answer::Refused);
}

#[test]
fn a_hook_that_is_not_there_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    assert_eq!(
        answer(&settings(address), "good-alice"),
        Answer::Silent(Silence::NoConnection)
    );
}

#[test]
fn the_request_says_who_asks_and_nothing_that_it_need_not() {
    let backend = Backend::start(backend::good);
    let settings = settings(backend.address);
    assert_eq!(answer(&settings, "good-alice"), known("alice"));
    let request = backend.asked.recv_timeout(PATIENCE).expect("a request");
    let mut lines: Vec<&str> = request.head.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "POST /who HTTP/1.1");
    lines.sort_unstable();
    let expected = [
        "accept: application/json".to_owned(),
        format!("authorization: Bearer {}", settings.secret.expose()),
        "connection: close".to_owned(),
        format!("content-length: {}", request.body.len()),
        "content-type: application/json".to_owned(),
        format!("host: {}", backend.address),
        format!("user-agent: {USER_AGENT}"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(request.body, question("good-alice").body());
}

#[test]
fn plain_http_that_may_not_leave_this_machine_asks_no_other_address() {
    let stays = Names::new(true);
    let leaves = Names::new(false);
    let addresses = |names: &Names, url: &str| {
        use ureq::unversioned::resolver::Resolver as _;
        use ureq::unversioned::transport::NextTimeout;
        let wait = NextTimeout {
            after: ureq::unversioned::transport::time::Duration::from_secs(20),
            reason: ureq::Timeout::Global,
            ..NextTimeout::default()
        };
        let url = url.parse().expect("an address");
        names
            .resolve(&url, &ureq::config::Config::default(), wait)
            .map(|found| found.iter().copied().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let documentation = SocketAddr::from(([192, 0, 2, 1], 80));
    assert_eq!(addresses(&stays, "http://192.0.2.1/"), []);
    assert_eq!(addresses(&leaves, "http://192.0.2.1/"), [documentation]);
    assert_eq!(
        addresses(&leaves, "https://[2001:db8::1]/"),
        ["[2001:db8::1]:443".parse().expect("an address")]
    );
    let here = addresses(&stays, "http://localhost:9000/");
    assert!(!here.is_empty());
    assert!(
        here.iter()
            .all(|found| found.ip().is_loopback() && found.port() == 9000)
    );
}

#[test]
fn whoever_stops_waits_for_no_answer_and_the_threads_end() {
    let backend = Backend::start(backend::hang);
    let settings = HookSettings {
        timeout: 2 * PATIENCE,
        ..settings(backend.address)
    };
    let asking = Asking::start(&settings);
    let threads = settings.concurrency_max;
    for number in 0..threads as u64 {
        let unput = asking.workers.ask(QuestionId(number), question("x"));
        assert_eq!(unput, None);
    }
    for _ in 0..threads {
        backend.asked.recv_timeout(PATIENCE).expect("a request");
    }
    let began = Instant::now();
    drop(asking.workers);
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
    while backend.connections() > 0 {
        assert!(began.elapsed() < PATIENCE, "the threads go on asking");
        thread::yield_now();
    }
}

#[test]
fn an_answer_that_comes_twice_or_late_is_taken_for_nobody_elses() {
    for (behaviour, name) in [
        (backend::twice as Behaviour, "at once"),
        (backend::late, "later"),
    ] {
        let backend = Backend::start(behaviour);
        let mut asking = Asking::start(&settings(backend.address));
        for number in 0..10 {
            let user = format!("user{number}");
            let answer = asking.answer(&format!("good-{user}"));
            assert_eq!(answer, known(&user), "{name}");
        }
        assert_eq!(backend.accepted(), 10, "{name}: a connection for each");
        assert_eq!(backend.most_connections(), 1, "{name}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let known_name = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let other_name =
        rcgen::generate_simple_self_signed(["users.example".to_owned()]).expect("made");
    for (served, trusted, expected) in [
        (&known_name, &known_name, known("alice")),
        (&known_name, &other_name, Answer::Silent(Silence::Tls)),
        (&other_name, &other_name, Answer::Silent(Silence::Tls)),
    ] {
        let address = serve_tls(served);
        let settings = HookSettings {
            url: Some(format!("https://localhost:{}/who", address.port())),
            ca: trusted.cert.pem().into_bytes(),
            timeout: PATIENCE,
            ..HookSettings::default()
        };
        assert_eq!(answer(&settings, "good-alice"), expected);
    }
    let none = HookSettings {
        ca: b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n".to_vec(),
        ..settings(SocketAddr::from(([127, 0, 0, 1], 1)))
    };
    let refused = Asker::prepare(&none).expect_err("no certificate");
    assert!(
        refused.to_string().starts_with("auth.hook.ca_file: "),
        "{refused}"
    );
}

/// One connection over TLS that is answered as a good hook would.
fn serve_tls(key: &rcgen::CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    use rustls::pki_types::PrivateKeyDer;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .expect("a certificate");
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        let connection = rustls::ServerConnection::new(Arc::new(config)).expect("TLS");
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"}") {
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                _ => return,
            }
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"user\":\"alice\"}";
        let _ = io::Write::write_all(&mut stream, answer.as_bytes());
    });
    address
}
