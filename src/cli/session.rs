//! `wardroom session` and `wardroom revoke`: credentials that the server remembers, and those it is to forget.
//!
//! They write to the store's file. A server that runs on it learns of a revocation within a second, and finds a session when it
//! is shown.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::arguments::{Settings, parse_lifetime, parse_name};
use super::asking::show;
use super::{Failure, load_or_default, table};
use crate::access::Identity;
use crate::access::record::{Answer, NewRevocation, NewSession, Question};
use crate::access::revocation::{Revocation, Subject, TOKEN_ID_BYTES_MAX};
use crate::access::session::{LABEL_BYTES_MAX, SessionId, SessionRecord, SessionValue};
use crate::config::{Config, show_duration};
use crate::store::{self, Company, Sqlite, Store as _};
use crate::telemetry::Rfc3339;
use crate::time::Wall;

/// Whose store.
#[derive(Debug, Args)]
pub(super) struct StoreArguments {
    /// The server's configuration file, which names the store's directory. Without it: the server that runs without a file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Make a session and print its value, once: nobody can read it again.
    New {
        /// Who it is for: the identifier that does not change.
        #[arg(long, value_name = "ID", value_parser = parse_name)]
        user: String,
        /// The name that others see; the identifier when there is none.
        #[arg(long, value_name = "NAME", value_parser = parse_name)]
        name: Option<String>,
        /// What it is for, as a list of sessions shows it.
        #[arg(long, value_name = "TEXT", default_value = "", value_parser = parse_label)]
        label: String,
        /// How long it is good for; auth.session.lifetime when not given.
        #[arg(long, value_name = "TIME", value_parser = parse_lifetime)]
        ttl: Option<Duration>,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// List the sessions that are good, newest first.
    List {
        /// Those of this user alone.
        #[arg(long, value_name = "ID", value_parser = parse_name)]
        user: Option<String>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        limit: u32,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Take a session back; its connections end.
    Revoke {
        /// The session, as a list names it.
        #[arg(value_name = "SESSION", value_parser = parse_session)]
        session: SessionId,
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("subject").required(true)))]
pub(super) struct Revoke {
    /// Everything that was given to this user until now.
    #[arg(long, value_name = "ID", group = "subject", value_parser = parse_name)]
    user: Option<String>,
    /// The token with this `jti`.
    #[arg(long, value_name = "JTI", group = "subject", value_parser = parse_token_id)]
    token_id: Option<String>,
    /// The session of this name.
    #[arg(long, value_name = "SESSION", group = "subject", value_parser = parse_session)]
    session: Option<SessionId>,
    #[command(flatten)]
    store: StoreArguments,
}

impl SessionCommand {
    pub(super) fn run(
        self,
        environment: Vec<(OsString, OsString)>,
        now: Wall,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        match self {
            SessionCommand::New {
                user,
                name,
                label,
                ttl,
                store,
            } => {
                let config = store.load(environment)?;
                let name = name.as_deref().unwrap_or(&user);
                let session = new_session(&config, (&user, name), &label, ttl, now)?;
                let answer = ask(&config, Question::InsertSession(Box::new(session)))?;
                print_new(answer, store.json, output)
            }
            SessionCommand::List { user, limit, store } => {
                let question = Question::ListSessions {
                    user: user.map(Arc::from),
                    listed_max: limit as usize,
                    now,
                };
                let answer = ask(&store.load(environment)?, question)?;
                print_list(answer, store.json, output)
            }
            SessionCommand::Revoke { session, store } => {
                revoke(Subject::Session(session), &store, environment, now, output)
            }
        }
    }
}

impl Revoke {
    pub(super) fn run(
        self,
        environment: Vec<(OsString, OsString)>,
        now: Wall,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let user = self.user.map(|user| Subject::User(user.into()));
        let token = self.token_id.map(|id| Subject::Token(id.into()));
        let session = self.session.map(Subject::Session);
        match user.or(token).or(session) {
            Some(subject) => revoke(subject, &self.store, environment, now, output),
            None => Err(Failure::Operation("nothing to revoke".to_owned())),
        }
    }
}

impl StoreArguments {
    fn load(&self, environment: Vec<(OsString, OsString)>) -> Result<Config, Failure> {
        load_or_default(self.config.as_deref(), &self.settings.flags, environment)
    }
}

/// A session with a fresh value.
fn new_session(
    config: &Config,
    (user, name): (&str, &str),
    label: &str,
    ttl: Option<Duration>,
    now: Wall,
) -> Result<NewSession, Failure> {
    let settings = &config.auth.session;
    let ttl = ttl.unwrap_or(settings.lifetime);
    if ttl > settings.lifetime {
        return Err(Failure::Key(format!(
            "--ttl: found {}; allowed: at most auth.session.lifetime = {}",
            show_duration(ttl),
            show_duration(settings.lifetime)
        )));
    }
    let identity = Identity::new(user, name, None)
        .map_err(|error| Failure::Key(format!("--user or --name: {error}")))?;
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| Failure::Operation("cannot get random bytes from the system".to_owned()))?;
    let value = SessionValue::new(random);
    Ok(NewSession {
        record: SessionRecord {
            digest: value.digest(),
            user: identity.user,
            name: identity.name,
            label: label.into(),
            created: now,
            expires: now.after(ttl),
            last_used: None,
        },
        value,
        sessions_max: settings.sessions_max,
        sessions_per_user_max: settings.sessions_per_user_max,
    })
}

fn revoke(
    subject: Subject,
    store: &StoreArguments,
    environment: Vec<(OsString, OsString)>,
    now: Wall,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let config = store.load(environment)?;
    let revocation = Revocation::new(subject, &config.auth, now);
    let new = NewRevocation {
        revocation,
        revocations_max: config.auth.revocations_max,
    };
    let answer = ask(&config, Question::Revoke(Box::new(new)))?;
    let Answer::Revoked {
        revocation,
        sessions,
    } = answer
    else {
        return Err(unexpected(&answer));
    };
    let (kind, subject) = revocation.subject.words();
    let told = json!({
        "revoked": kind,
        "subject": subject,
        "at": seconds(revocation.at),
        "sessions_ended": sessions,
    });
    show(&told, store.json, output, |output| {
        let row = [kind.to_owned(), subject, sessions.to_string()];
        table::print(["REVOKED", "SUBJECT", "SESSIONS"], &[row], output)
    })
}

/// One question to the store of this configuration, whether a server runs on it or not.
fn ask(config: &Config, question: Question) -> Result<Answer, Failure> {
    let mut store = Sqlite::open(&config.store.directory, Company::Welcome)
        .map_err(|error| Failure::Operation(error.to_string()))?;
    let mut answers = store.answer(vec![store::Question::Record(question)]);
    match answers.pop() {
        Some(store::Answer::Record(answer)) => Ok(answer),
        Some(store::Answer::Failed(fault)) => Err(Failure::Operation(format!("store: {fault}"))),
        Some(store::Answer::Room(_)) | None => {
            Err(Failure::Operation("the store gave no answer".to_owned()))
        }
    }
}

fn unexpected(answer: &Answer) -> Failure {
    Failure::Operation(match answer {
        Answer::Full(full) => format!("{full}; revoke one, or raise it"),
        Answer::RevocationsFull(max) => {
            format!("auth.revocations_max: {max} revocations are in force; raise it")
        }
        Answer::Found(_) | Answer::Inserted(_) | Answer::Listed { .. } | Answer::Revoked { .. } => {
            "the store answered something else".to_owned()
        }
    })
}

fn print_new(answer: Answer, as_json: bool, output: &mut dyn Write) -> Result<(), Failure> {
    let Answer::Inserted(session) = answer else {
        return Err(unexpected(&answer));
    };
    let mut told = entry(&session.record);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("value".to_owned(), session.value.reveal().into());
    }
    show(&told, as_json, output, |output| {
        let [user, name, _, expires, _, session_id, _] = row(&session.record);
        let row = [
            user,
            name,
            expires,
            session_id,
            session.value.reveal().to_owned(),
        ];
        table::print(
            ["USER", "NAME", "EXPIRES", "SESSION", "VALUE"],
            &[row],
            output,
        )
    })
}

fn print_list(answer: Answer, as_json: bool, output: &mut dyn Write) -> Result<(), Failure> {
    let Answer::Listed { sessions, total } = answer else {
        return Err(unexpected(&answer));
    };
    let entries: Vec<Value> = sessions.iter().map(entry).collect();
    let told = json!({ "sessions": entries, "total": total });
    show(&told, as_json, output, |output| {
        let rows: Vec<[String; 7]> = sessions.iter().map(row).collect();
        let headings = [
            "USER",
            "NAME",
            "CREATED",
            "EXPIRES",
            "LAST_USED",
            "SESSION",
            "LABEL",
        ];
        table::print(headings, &rows, output)
    })
}

fn entry(record: &SessionRecord) -> Value {
    json!({
        "session": record.digest.id().to_string(),
        "user": &*record.user,
        "name": &*record.name,
        "label": &*record.label,
        "created": seconds(record.created),
        "expires": seconds(record.expires),
        "last_used": record.last_used.map(seconds),
    })
}

fn row(record: &SessionRecord) -> [String; 7] {
    let date = |wall: Wall| Rfc3339(wall).to_string();
    [
        record.user.to_string(),
        record.name.to_string(),
        date(record.created),
        date(record.expires),
        record.last_used.map_or_else(|| "-".to_owned(), date),
        record.digest.id().to_string(),
        record.label.to_string(),
    ]
}

/// Since 1970, as everywhere in JSON.
fn seconds(wall: Wall) -> f64 {
    wall.as_millis() as f64 / 1000.0
}

fn parse_label(text: &str) -> Result<String, String> {
    let is_allowed = text.len() <= LABEL_BYTES_MAX && !text.chars().any(char::is_control);
    is_allowed.then(|| text.to_owned()).ok_or_else(|| {
        format!("allowed: at most {LABEL_BYTES_MAX} bytes without control characters")
    })
}

fn parse_token_id(text: &str) -> Result<String, String> {
    (1..=TOKEN_ID_BYTES_MAX)
        .contains(&text.len())
        .then(|| text.to_owned())
        .ok_or_else(|| format!("allowed: 1 to {TOKEN_ID_BYTES_MAX} bytes"))
}

fn parse_session(text: &str) -> Result<SessionId, String> {
    SessionId::parse(text).ok_or_else(|| {
        "allowed: the 32 hexadecimal digits under SESSION in `wardroom session list`".to_owned()
    })
}
