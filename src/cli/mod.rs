//! The command line: from arguments to one operation and an exit code. Reads no clock and no global state: arguments,
//! environment, date and the function that serves are handed in. Only `client` and `siege` open connections, to a server that runs.

mod arguments;
mod asking;
mod audit;
mod certificates;
mod check;
mod client;
mod embedded;
mod failure;
mod links;
mod lint;
mod moderation;
mod people;
mod publish;
mod room;
mod room_pages;
mod serve;
mod session;
#[cfg(target_os = "linux")]
mod siege;
mod source;
mod state;
mod store;
mod table;
mod target;
mod token;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;

use clap::Parser as _;

use crate::config::{Auth, Config, Loaded};
use crate::time::Wall;
use arguments::{Arguments, Command};

pub use failure::Failure;
pub use serve::serve;
pub use source::Source;

/// What a process is born into.
pub struct Surroundings<'a> {
    /// The program's name first.
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub now: Wall,
    pub input: &'a mut dyn Read,
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
    S: FnOnce(Config, Source, Announce<'_>) -> Result<(), Failure>,
{
    let Surroundings {
        arguments,
        environment,
        now,
        input,
        output,
    } = surroundings;
    let Arguments { settings, command } = Arguments::try_parse_from(arguments)?;
    match command {
        None => {
            let source = Source {
                file: None,
                flags: settings.flags,
                environment,
            };
            let config = source.load()?;
            let links = links::Links::new(&config, now)?;
            serve(config, source, &mut |address| {
                log::info!("listening on {address}");
                Ok(links.print(address, output)?)
            })
        }
        Some(Command::Serve { config, settings }) => {
            let source = Source {
                file: Some(config),
                flags: settings.flags,
                environment,
            };
            serve(source.load()?, source, &mut |address| {
                log::info!("listening on {address}");
                Ok(())
            })
        }
        Some(Command::Token {
            request,
            config,
            settings,
        }) => {
            let auth = auth(config.as_deref(), &settings.flags, environment)?;
            let token = token::issue(&auth, &request, now)?;
            Ok(writeln!(output, "{token}")?)
        }
        Some(Command::Check { file, settings }) => {
            check::run(load(&file, &settings.flags, environment)?, now, output)
        }
        Some(Command::Session { command }) => command.run(environment, now, output),
        Some(Command::Revoke(revoke)) => revoke.run(environment, now, output),
        Some(Command::Store { command }) => command.run(environment, output),
        Some(Command::Audit { command }) => command.run(environment, output),
        Some(Command::LintMessage(lint)) => lint.run(environment, input, output),
        #[cfg(target_os = "linux")]
        Some(Command::Siege(siege)) => siege.run(environment, output),
        Some(Command::Asking(asking)) => asking.run(environment, output),
    }
}

fn load(
    file: &Path,
    flags: &[String],
    environment: Vec<(OsString, OsString)>,
) -> Result<Loaded, Failure> {
    Config::load(Some(file), flags, environment).map_err(Failure::Config)
}

/// What tokens are signed with: by a file, or as the server that runs without one.
fn auth(
    file: Option<&Path>,
    flags: &[String],
    environment: Vec<(OsString, OsString)>,
) -> Result<Auth, Failure> {
    let config = match file {
        Some(file) => load(file, flags, environment)?.config,
        None => embedded::load(flags, environment)?,
    };
    Ok(config.auth)
}

/// The same, or the settings of the server that runs without a file.
fn load_or_default(
    file: Option<&Path>,
    flags: &[String],
    environment: Vec<(OsString, OsString)>,
) -> Result<Config, Failure> {
    let loaded = Config::load(file, flags, environment).map_err(Failure::Config)?;
    Ok(loaded.config)
}

#[cfg(test)]
mod tests;
