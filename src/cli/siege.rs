//! The siege: what may be asked of it, and where its results go.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Failure;
use super::arguments::{Settings, parse_time};
use super::token::{self, TokenRequest};
use crate::config::{Auth, Config, KeySource, Loaded, Place};
use crate::siege::{
    self, Files, Home, Manners, Plan, SECONDS_MAX, Setting, SiegeError, Target, Times, Whom,
};
use crate::time::Wall;

/// What is attacked, how, and for how long.
#[derive(Debug, Args)]
pub(super) struct Siege {
    /// Attack a server with these settings instead of the defaults. It gets a secret, a store and ports of its own. With --target: the settings of that
    /// server, by which its limits are judged.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Attack a server that runs, on loopback only, instead of starting one.
    #[arg(
        long,
        value_name = "ws://127.0.0.1:PORT/ws/chat",
        requires = "token_secret_file"
    )]
    target: Option<String>,
    /// The private listener of that server, for its counters; on loopback too.
    #[arg(long, value_name = "IP:PORT", requires = "target")]
    private: Option<SocketAddr>,
    /// The secret that it verifies tokens with (HS256).
    #[arg(long, value_name = "FILE", requires = "target")]
    token_secret_file: Option<PathBuf>,
    /// Only these attacks.
    #[arg(long = "attack", value_name = "NAME,…", value_delimiter = ',')]
    attacks: Vec<String>,
    /// How long each attack takes, and the calm before it: two seconds at least, in less not every limit can be reached.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=SECONDS_MAX))]
    seconds: u64,
    /// A round trip of at most this is no fault, however quick it was in the calm: for machines that have other things to do.
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_time)]
    unnoticed: Duration,
    /// Write everything that was measured as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw what honest people waited over time, as SVG.
    #[arg(long, value_name = "FILE.svg", value_parser = parse_svg)]
    plot: Option<PathBuf>,
    /// Print the names of the attacks and what each does, and attack nothing.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Siege {
    /// # Errors
    /// [`Failure::Operation`] when an attack did not hold, or there was no siege.
    pub(super) fn run(
        &self,
        environment: Vec<(OsString, OsString)>,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        if self.list {
            for (name, what) in siege::list() {
                writeln!(output, "{name:23}  {what}.")?;
            }
            return Ok(());
        }
        siege::expect_known(&self.attacks)?;
        let target = self.target.as_deref().map(Target::parse).transpose()?;
        let private = self.private.map(Target::from_loopback).transpose()?;
        let loaded = Config::load(self.config.as_deref(), &self.settings.flags, environment)
            .map_err(Failure::Config)?;
        let plan = self.plan(&loaded, target.is_some())?;
        let mut auth = loaded.config.auth.clone();
        let whom = match target {
            Some(target) => {
                auth.keys = self.secret(self.token_secret_file.as_ref())?;
                let private = private.and(self.private);
                tell_exempting(&plan.exempting, output)?;
                Whom::Running { target, private }
            }
            None => {
                tell_left_out(&loaded, output)?;
                let home = Home::make()?;
                auth.keys = self.secret(Some(&home.secret()))?;
                let settings = settings(&loaded)
                    .filter(|setting| !is_covering(&loaded, &setting.key))
                    .map(|setting| (setting.key, setting.value))
                    .collect();
                let has_tls = loaded.config.tls.is_on();
                Whom::Own {
                    home,
                    settings,
                    has_tls,
                }
            }
        };
        let mut json = self.json.as_ref().map(Results::open).transpose()?;
        let mut plot = self.plot.as_ref().map(Results::open).transpose()?;
        let files = Files {
            json: json.as_mut().map(|file| file as &mut dyn Write),
            plot: plot.as_mut().map(|file| file as &mut dyn Write),
        };
        let mint = |user: &str, ttl: Duration, now: Wall| mint(&auth, user, ttl, now);
        let conclusion = siege::run(whom, &plan, &mint, output, files)?;
        match conclusion.fault() {
            None => Ok(()),
            Some(why) => Err(Failure::Operation(why.to_owned())),
        }
    }

    fn secret(&self, file: Option<&PathBuf>) -> Result<Vec<KeySource>, Failure> {
        let keys = file
            .map(|file| KeySource::from_secret_file(file))
            .transpose();
        let keys = keys.map_err(|error| Failure::Config(vec![error]))?;
        Ok(keys.into_iter().collect())
    }

    fn plan(&self, loaded: &Loaded, is_running: bool) -> Result<Plan, SiegeError> {
        let config = &loaded.config;
        let lobby = config.rooms.lobby.clone();
        let other = config.rooms.public.iter().find(|room| **room != lobby);
        let exempting = settings(loaded).map(|setting| setting.key);
        let exempting = exempting.filter(|key| {
            let is_list = !key.starts_with("proxy.") || key == "proxy.trusted";
            is_running && is_list && is_covering(loaded, key)
        });
        let time = Duration::from_secs(self.seconds);
        Ok(Plan {
            attacks: self.attacks.clone(),
            time,
            unnoticed: self.unnoticed,
            room: other.unwrap_or(&lobby).clone(),
            lobby,
            times: Times {
                head: config.deadlines.head,
                sign_in: config.deadlines.sign_in,
            },
            manners: Manners::within(config, time)?,
            rehearsed: config.limits.shadow.names().to_vec(),
            memory: config.memory as u64,
            settings: settings(loaded).collect(),
            exempting: exempting.collect(),
        })
    }
}

/// The picture's file, whose name says what is in it.
fn parse_svg(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_svg = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    is_svg
        .then_some(path)
        .ok_or_else(|| "the picture is SVG: allowed is a name that ends in .svg".to_owned())
}

/// Says which settings that somebody gave are not those of the server under siege, and why.
fn tell_left_out(loaded: &Loaded, output: &mut dyn Write) -> std::io::Result<()> {
    let given = loaded.settings.iter();
    for setting in given.filter(|setting| setting.place != Place::Default) {
        let covering = is_covering(loaded, &setting.key)
            .then_some("which is about addresses that the siege's people and attackers come from");
        if let Some(why) = siege::left_out(&setting.key).or(covering) {
            writeln!(output, "not in this siege: {}, {why}", setting.key)?;
        }
    }
    Ok(())
}

/// Says which settings of a server that runs spare whoever comes in a siege.
fn tell_exempting(exempting: &[String], output: &mut dyn Write) -> std::io::Result<()> {
    for key in exempting {
        writeln!(
            output,
            "in force on that server: {key}, which is about addresses that the siege's people and attackers come from: what limits of an address do to others is not seen"
        )?;
    }
    Ok(())
}

/// Whether it is of a list of networks that the siege's own addresses are in: nothing of what it measures would be so for others.
fn is_covering(loaded: &Loaded, key: &str) -> bool {
    let (limits, proxy) = (&loaded.config.limits, &loaded.config.proxy);
    let networks = match key {
        "limits.exempt" => &limits.exempt,
        "limits.penalty_exempt" => &limits.penalty_exempt,
        _ if key.starts_with("proxy.") => &proxy.trusted,
        _ => return false,
    };
    !networks.is_empty()
        && siege::comes_from(|address| networks.iter().any(|network| network.contains(&address)))
}

/// Every setting in force that has a value.
fn settings(loaded: &Loaded) -> impl Iterator<Item = Setting> {
    // What nobody has set can be read.
    let none = Config::load(None, &[], Vec::new()).map(|loaded| loaded.settings);
    let none = none.unwrap_or_default();
    let default = move |key: &str| {
        let found = none.iter().find(|setting| setting.key == key);
        found.map(|setting| setting.value.clone())
    };
    let settings = loaded.settings.iter();
    let settings = settings.filter(|setting| setting.value != "not set");
    settings.map(move |setting| Setting {
        key: setting.key.clone(),
        value: setting.value.clone(),
        default: default(&setting.key),
    })
}

fn mint(auth: &Auth, user: &str, ttl: Duration, now: Wall) -> Result<String, String> {
    let request = TokenRequest {
        sub: user.to_owned(),
        name: None,
        rooms: Vec::new(),
        ttl: ttl.min(auth.jwt.lifetime_max),
    };
    token::issue(auth, &request, now).map_err(|failure| failure.to_string())
}

/// A file for results: it can be written from the beginning, and what was in it stays until there are new ones.
struct Results {
    file: File,
    is_new: bool,
}

impl Results {
    fn open(path: &PathBuf) -> Result<Self, Failure> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = file.map_err(|error| {
            Failure::Operation(format!("cannot write {}: {error}", path.display()))
        })?;
        let is_new = false;
        Ok(Results { file, is_new })
    }
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !std::mem::replace(&mut self.is_new, true) {
            self.file.set_len(0)?;
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl From<SiegeError> for Failure {
    fn from(error: SiegeError) -> Self {
        match error {
            SiegeError::Interrupted(_) => Failure::Interrupted(error.to_string()),
            SiegeError::Target(_) | SiegeError::Attack(..) => Failure::Key(error.to_string()),
            _ => Failure::Operation(error.to_string()),
        }
    }
}
