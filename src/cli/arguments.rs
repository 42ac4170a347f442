//! What may be typed. Says nothing about what is done.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::asking::Asking;
use super::audit::AuditCommand;
use super::lint::LintMessage;
use super::session::{Revoke, SessionCommand};
#[cfg(target_os = "linux")]
use super::siege::Siege;
use super::store::StoreCommand;
use super::token::TokenRequest;
use crate::config::parse_duration;

/// A secure real-time chat server. Without a command: on 127.0.0.1:8080, with a secret of its own, for trying out.
#[derive(Debug, Parser)]
#[command(name = "wardroom", version, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve as a configuration file says.
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print a token that lets somebody in.
    Token {
        #[command(flatten)]
        request: TokenRequest,
        /// Sign with the first secret of this file instead of the one made on first run.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Check a configuration file and print every setting in force, with its unit and who set it.
    Check {
        /// The configuration file.
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Make, list and revoke sessions: credentials that the server itself gives and remembers.
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// Take back what was given to a user, a token or a session; its connections end.
    Revoke(Revoke),
    /// Check, copy or write out what the server keeps; it may be running.
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Hold moderation logs against their hashes.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Say what the server would say to a message on standard input, or to frames, or to a request's head.
    LintMessage(LintMessage),
    /// Attack a server of its own, or one on loopback, and say what held.
    #[cfg(target_os = "linux")]
    Siege(Siege),
    #[command(flatten)]
    Asking(Asking),
}

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Override one setting; may be repeated.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(super) flags: Vec<String>,
}

/// How long a token is good for: whole seconds, at least one.
pub(super) fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = parse_duration(text).filter(|lifetime| *lifetime >= Duration::from_secs(1));
    lifetime.ok_or_else(|| "allowed: at least 1s, as \"90s\", \"10m\", \"1h\" or \"7d\"".to_owned())
}

/// Any time: `0`, `500ms`, `5s`, `10m`, `8h` or `7d`; how long it may be the server says.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "allowed: as \"90s\", \"10m\", \"8h\" or \"7d\"".to_owned())
}

/// What the server takes as `sub`, as far as it can be seen here.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let is_allowed = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    is_allowed
        .then(|| text.to_owned())
        .ok_or_else(|| "allowed: 1 to 128 bytes without control characters".to_owned())
}
