//! One proxy as a process, with a certificate made for the test, and Wardroom behind it.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::server::{PATIENCE, Server, prepare};
use crate::shipped;

/// The name that every file of docs/deploy has.
pub const NAME: &str = "chat.example";
/// How often a proxy that starts is looked after.
const GLANCE: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Haproxy,
    /// TLS ends at Wardroom.
    HaproxyPassthrough,
    Caddy,
}

/// What a test may change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changes<'a> {
    /// More lines of Wardroom's configuration.
    pub settings: &'a str,
    /// How long the proxy lets an upgraded connection be silent, instead of 75 seconds.
    pub silence: Option<&'a str>,
}

/// A proxy with Wardroom behind it.
pub struct Site {
    pub kind: Kind,
    proxy: Child,
    pub address: SocketAddr,
    pub plain_address: Option<SocketAddr>,
    pub wardroom: Server,
    pub certificate: CertificateDer<'static>,
    pub folder: TempDir,
}

impl Kind {
    pub const ALL: [Kind; 4] = [
        Kind::Nginx,
        Kind::Haproxy,
        Kind::HaproxyPassthrough,
        Kind::Caddy,
    ];

    /// Whether clients are announced by a PROXY header.
    pub fn announces(self) -> bool {
        matches!(self, Kind::Haproxy | Kind::HaproxyPassthrough)
    }

    fn program(self) -> &'static str {
        match self {
            Kind::Nginx => "nginx",
            Kind::Haproxy | Kind::HaproxyPassthrough => "haproxy",
            Kind::Caddy => "caddy",
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Kind::Nginx => "nginx",
            Kind::Haproxy => "HAProxy",
            Kind::HaproxyPassthrough => "TLS through to Wardroom",
            Kind::Caddy => "Caddy",
        }
    }

    /// Why this proxy can not be run here.
    pub fn missing(self) -> Option<&'static str> {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let is_there = path
            .split(':')
            .any(|folder| Path::new(folder).join(self.program()).is_file());
        (!is_there).then_some(match self {
            Kind::Nginx => "nginx is not installed",
            Kind::Haproxy | Kind::HaproxyPassthrough => "HAProxy is not installed",
            Kind::Caddy => "Caddy is not installed",
        })
    }
}

impl Site {
    pub fn start(kind: Kind, changes: Changes<'_>) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = shipped::settings(kind.heading());
        let tls_settings = match kind {
            Kind::HaproxyPassthrough => "[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n",
            _ => "",
        };
        let config = format!("{settings}{tls_settings}{}", changes.settings);
        let (mut command, directory) = prepare(&config);
        let certificate = write_certificate(&[folder.path(), directory.path()]);
        command.env("RUST_LOG", "debug");
        let wardroom = Server::start(command, directory);
        let (tls, plain) = (free_address(), free_address());
        let mut command = match kind {
            Kind::Nginx => nginx(
                folder.path(),
                [tls, plain],
                wardroom.address,
                changes.silence,
            ),
            Kind::Haproxy => haproxy(
                folder.path(),
                [tls, plain],
                wardroom.address,
                changes.silence,
            ),
            Kind::HaproxyPassthrough => {
                passthrough(folder.path(), tls, wardroom.address, changes.silence)
            }
            Kind::Caddy => caddy(folder.path(), tls, wardroom.address),
        };
        let said = fs::File::create(folder.path().join("said")).expect("a file");
        let proxy = command
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("a file"))
            .stderr(said)
            .spawn()
            .expect("the proxy starts");
        let mut site = Site {
            kind,
            proxy,
            address: tls,
            plain_address: matches!(kind, Kind::Nginx | Kind::Haproxy).then_some(plain),
            wardroom,
            certificate,
            folder,
        };
        site.wait_until_it_listens();
        site
    }

    fn wait_until_it_listens(&mut self) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.proxy.try_wait().expect("its own child");
            assert!(
                ended.is_none() && Instant::now() < until,
                "{:?} does not listen: {}",
                self.kind,
                self.said()
            );
            std::thread::sleep(GLANCE);
        }
    }

    /// nginx's log, once it has this word: it is written after the answer.
    pub fn logged_by_proxy(&self, word: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(self.folder.path().join("access.log")).expect("a log");
            if log.contains(word) {
                return log;
            }
            assert!(Instant::now() < until, "{word:?} is not logged: {log}");
            std::thread::sleep(GLANCE);
        }
    }

    /// Everything that the proxy has printed.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // nginx ends its workers only when it is asked.
        let _ = kill_process(Pid::from_child(&self.proxy), Signal::TERM);
        let _ = self.proxy.wait();
        if std::thread::panicking() {
            eprintln!("{:?}: {}", self.kind, self.said());
        }
    }
}

/// A certificate for [`NAME`] in `chain.pem`, its key in `key.pem`, both in `both.pem`, in each of these folders.
fn write_certificate(folders: &[&Path]) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let files = [
        ("chain.pem", &chain),
        ("key.pem", &key),
        ("both.pem", &(chain.clone() + &key)),
    ];
    for (folder, (name, text)) in folders
        .iter()
        .flat_map(|folder| files.map(|file| (folder, file)))
    {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join(name))
            .expect("a new file");
        file.write_all(text.as_bytes()).expect("a file");
    }
    made.cert.der().clone()
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

fn path(folder: &Path, name: &str) -> String {
    folder
        .join(name)
        .to_str()
        .expect("a path in UTF-8")
        .to_owned()
}

fn nginx(
    folder: &Path,
    [tls, plain]: [SocketAddr; 2],
    wardroom: SocketAddr,
    silence: Option<&str>,
) -> Command {
    let silence = format!("proxy_read_timeout {};", silence.unwrap_or("75s"));
    let site = shipped::file(
        "nginx.conf",
        &[
            ("127.0.0.1:8080", &wardroom.to_string()),
            ("listen 80;", &format!("listen {plain};")),
            ("listen 443 ssl;", &format!("listen {tls} ssl;")),
            (
                "/etc/ssl/chat.example/fullchain.pem",
                &path(folder, "chain.pem"),
            ),
            (
                "/etc/ssl/chat.example/privkey.pem",
                &path(folder, "key.pem"),
            ),
            ("/var/log/nginx/wardroom.log", &path(folder, "access.log")),
            ("proxy_read_timeout 75s;", &silence),
        ],
    );
    fs::write(folder.join("wardroom.conf"), site).expect("a file");
    // What Debian's nginx.conf holds around it, with everything in this folder.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let around = format!(
        "{user} daemon off; pid nginx.pid; error_log stderr; events {{}}\nhttp {{ access_log off; \
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; \
         scgi_temp_path scgi;\ninclude wardroom.conf; }}\n"
    );
    fs::write(folder.join("nginx.conf"), around).expect("a file");
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-e", "stderr"]);
    command.env(
        "PATH",
        std::env::var("PATH").unwrap_or_default() + ":/usr/sbin",
    );
    command
}

fn haproxy(
    folder: &Path,
    [tls, plain]: [SocketAddr; 2],
    wardroom: SocketAddr,
    silence: Option<&str>,
) -> Command {
    let silence = format!("timeout tunnel          {}", silence.unwrap_or("75s"));
    let config = shipped::file(
        "haproxy.cfg",
        &[
            ("127.0.0.1:8080", &wardroom.to_string()),
            ("bind :80\n", &format!("bind {plain}\n")),
            ("bind :443 ssl", &format!("bind {tls} ssl")),
            ("/etc/haproxy/chat.example.pem", &path(folder, "both.pem")),
            ("timeout tunnel          75s", &silence),
        ],
    );
    run_haproxy(folder, &config)
}

fn run_haproxy(folder: &Path, config: &str) -> Command {
    fs::write(folder.join("haproxy.cfg"), config).expect("a file");
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(folder.join("haproxy.cfg"));
    command.env(
        "PATH",
        std::env::var("PATH").unwrap_or_default() + ":/usr/sbin",
    );
    command
}

fn passthrough(
    folder: &Path,
    tls: SocketAddr,
    wardroom: SocketAddr,
    silence: Option<&str>,
) -> Command {
    let silence = silence.unwrap_or("75s");
    let config = shipped::file(
        "haproxy-passthrough.cfg",
        &[
            ("127.0.0.1:8443", &wardroom.to_string()),
            ("bind :443\n", &format!("bind {tls}\n")),
            ("timeout client  75s", &format!("timeout client  {silence}")),
            ("timeout server  75s", &format!("timeout server  {silence}")),
        ],
    );
    run_haproxy(folder, &config)
}

fn caddy(folder: &Path, tls: SocketAddr, wardroom: SocketAddr) -> Command {
    let certificate = format!(
        "tls {} {}",
        path(folder, "chain.pem"),
        path(folder, "key.pem")
    );
    let site = shipped::file(
        "Caddyfile",
        &[
            ("127.0.0.1:8080", &wardroom.to_string()),
            (
                "chat.example {",
                &format!("https://{NAME}:{} {{\n\t{certificate}", tls.port()),
            ),
        ],
    );
    // No certificate authority, no control port, and loopback only.
    let options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n}\n";
    fs::write(folder.join("Caddyfile"), format!("{options}{site}")).expect("a file");
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(folder.join("Caddyfile"));
    command
}
