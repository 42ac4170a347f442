//! The command line: from arguments to one operation and an exit code. Reads no clock and no global state: arguments,
//! environment, date and the function that serves are handed in. Only `client` opens connections, to a server that runs.

mod arguments;
mod check;
mod client;
mod embedded;
mod failure;
mod links;
mod people;
mod publish;
mod serve;
mod session;
mod state;
mod table;
mod target;
mod token;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use clap::Parser as _;
use serde_json::Value;

use crate::access::token::TokenAuthenticator;
use crate::config::{Config, Loaded};
use crate::protocol::api::PAGE_ENTRIES_MAX;
use crate::time::Wall;
use arguments::{Arguments, Command};
use client::{Client, percent_encoded};

pub use failure::Failure;
pub use serve::serve;

/// Pages asked for before a list is taken to be endless.
const PAGES_MAX: usize = 1024;

/// What a process is born into.
pub struct Surroundings<'a> {
    /// The program's name first.
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub now: Wall,
    /// Results and nothing else.
    pub output: &'a mut dyn Write,
}

/// To be called once with the address, when it is bound and before anybody is served.
pub type Announce<'a> = &'a mut dyn FnMut(SocketAddr) -> Result<(), Failure>;

/// Does what the arguments ask. `serve` binds, calls the [`Announce`] it is given, and serves until the end.
///
/// # Errors
/// [`Failure`], which knows its exit code.
pub fn run<S>(surroundings: Surroundings<'_>, serve: S) -> Result<(), Failure>
where
    S: FnOnce(Config, Announce<'_>) -> Result<(), Failure>,
{
    let Surroundings {
        arguments,
        environment,
        now,
        output,
    } = surroundings;
    let Arguments { settings, command } = Arguments::try_parse_from(arguments)?;
    match command {
        None => {
            let config = embedded::load(&settings.flags, environment)?;
            let links = links::Links::new(&config, now)?;
            serve(config, &mut |address| {
                log::info!("listening on {address}");
                Ok(links.print(address, output)?)
            })
        }
        Some(Command::Serve { config, settings }) => {
            let loaded = load(&config, &settings.flags, environment)?;
            serve(loaded.config, &mut |address| {
                log::info!("listening on {address}");
                Ok(())
            })
        }
        Some(Command::Token {
            request,
            config,
            settings,
        }) => {
            let config = match config {
                Some(file) => load(&file, &settings.flags, environment)?.config,
                None => embedded::load(&settings.flags, environment)?,
            };
            let token = token::issue(&config.auth, &request, now)?;
            Ok(writeln!(output, "{token}")?)
        }
        Some(Command::Check { file, settings }) => {
            let loaded = load(&file, &settings.flags, environment)?;
            TokenAuthenticator::new(&loaded.config.auth)
                .map_err(|error| Failure::Key(error.to_string()))?;
            Ok(check::print(&loaded.settings, output)?)
        }
        Some(Command::Session { command }) => command.run(environment, now, output),
        Some(Command::Revoke(revoke)) => revoke.run(environment, now, output),
        Some(Command::Publish(publish)) => {
            let client = Client::new(publish.target.resolve(environment)?);
            publish.run(&client, output)
        }
        Some(Command::Disconnect(disconnect)) => {
            let client = Client::new(disconnect.target.resolve(environment)?);
            disconnect.run(&client, output)
        }
        Some(Command::Connections(connections)) => {
            let client = Client::new(connections.target.resolve(environment)?);
            connections.run(&client, output)
        }
        Some(Command::Rooms(rooms)) => {
            let client = Client::new(rooms.target.resolve(environment)?);
            rooms.run(&client, output)
        }
        Some(Command::Limits(limits)) => {
            let client = Client::new(limits.target.resolve(environment)?);
            limits.run(&client, output)
        }
        Some(Command::Ticket(ticket)) => {
            let client = Client::new(ticket.target.resolve(environment)?);
            ticket.run(&client, output)
        }
    }
}

/// Prints a server's answer as it is, or by `table`.
fn show(
    answer: &Value,
    as_json: bool,
    output: &mut dyn Write,
    table: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    if as_json {
        return Ok(writeln!(output, "{answer}")?);
    }
    Ok(table(output)?)
}

/// A field of an answer as text; `-` when it is not there.
fn cell(entry: &Value, name: &str) -> String {
    match entry.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The pages of a list, joined, up to `limit` entries; `next` stays what the last page said.
fn pages(
    client: &Client,
    path: &str,
    query: &str,
    list: &str,
    limit: u32,
) -> Result<Value, Failure> {
    let limit = limit as usize;
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let page_max = (limit - entries.len()).clamp(1, PAGE_ENTRIES_MAX);
        let path = format!("{path}?limit={page_max}{cursor}{query}");
        let mut answer = client.get(&path)?;
        if let Some(page) = answer.get_mut(list).and_then(Value::as_array_mut) {
            entries.append(page);
        }
        let next = answer.get("next").and_then(Value::as_str);
        match next {
            Some(next) if entries.len() < limit => {
                cursor = format!("&cursor={}", percent_encoded(next));
            }
            _ => {
                if let Some(object) = answer.as_object_mut() {
                    object.insert(list.to_owned(), entries.into());
                }
                return Ok(answer);
            }
        }
    }
    Err(Failure::Operation(format!(
        "the list did not end after {PAGES_MAX} pages"
    )))
}

fn load(
    file: &Path,
    flags: &[String],
    environment: Vec<(OsString, OsString)>,
) -> Result<Loaded, Failure> {
    Config::load(Some(file), flags, environment).map_err(Failure::Config)
}

#[cfg(test)]
mod tests;
