//! Serving: the call that joins the command line to the server.

use std::path::Path;

use super::{Announce, Failure, Source};
use crate::access::certificate::WithCertificates;
use crate::access::token::TokenAuthenticator;
use crate::config::{Config, Sandbox};
use crate::engine::Arithmetic;
use crate::reactor::{Inherited, LogQueue, Server, ServiceManager, StartError, descriptors};
use crate::store::{Company, Sqlite, make_directory};

/// Binds, announces the address, gives up what is not needed any more, and serves until the end. The security log goes
/// to `log`, unless it has a file.
///
/// # Errors
/// [`Failure`] when a key cannot be used, the address cannot be bound, a sandbox that is required cannot be had, or the
/// loop breaks.
pub fn serve(
    config: Config,
    source: Source,
    announce: Announce<'_>,
    log: LogQueue,
) -> Result<(), Failure> {
    let service =
        ServiceManager::find().map_err(|error| cannot("tell the service manager", &error))?;
    let inherited = Inherited::take().map_err(|error| cannot("take over a socket", &error))?;
    descriptors::secure(&config).map_err(|error| Failure::Key(error.to_string()))?;
    for line in Arithmetic::of(&config).to_string().lines() {
        log::info!("memory: {line}");
    }
    let confinement = Confinement::begin(&config, source.file())?;
    let mut server = start(&config, inherited)?;
    server.log_beside(log);
    server.report_to(service);
    server
        .reload_on_hangup(config, Box::new(move || source.load_again()))
        .map_err(|error| Failure::Operation(error.to_string()))?;
    if let Some(address) = server.private_address() {
        log::info!("private listener on {address}");
    }
    announce(server.local_address())?;
    confinement.complete()?;
    server
        .run()
        .map_err(|error| Failure::Operation(error.to_string()))
}

fn start(config: &Config, inherited: Inherited) -> Result<Server, Failure> {
    let authenticator =
        TokenAuthenticator::new(&config.auth).map_err(|error| Failure::Key(error.to_string()))?;
    let authenticator = Box::new(WithCertificates(authenticator));
    let bound = Server::bind_with(config.clone(), authenticator, inherited);
    let mut server = bound.map_err(|error| match error {
        StartError::Origin(error) => Failure::Key(error.to_string()),
        StartError::Tls(error) => Failure::Key(error.to_string()),
        StartError::Hook(error) => Failure::Key(error.to_string()),
        StartError::Listen {
            setting, address, ..
        } => Failure::bind(setting, address, &error),
        error => Failure::Operation(error.to_string()),
    })?;
    // After the address: who finds that taken is told so, and not of the store that goes with it.
    server.keep_in(open_store(config)?);
    server
        .stop_on_signals()
        .map_err(|error| Failure::Operation(error.to_string()))?;
    Ok(server)
}

/// The store, for this server alone unless another is to be taken over from.
fn open_store(config: &Config) -> Result<Box<Sqlite>, Failure> {
    let company = if config.store.shared || config.listen.reuse_port {
        Company::Welcome
    } else {
        Company::Alone
    };
    let opened = Sqlite::open(&config.store.directory, company);
    opened
        .map(Box::new)
        .map_err(|error| Failure::Operation(error.to_string()))
}

fn cannot(what: &str, error: &std::io::Error) -> Failure {
    Failure::Operation(format!("cannot {what}: {error}"))
}

/// The sandbox, in its two steps: files before there are threads, system calls when everything has been started.
#[cfg(target_os = "linux")]
struct Confinement {
    mode: Sandbox,
    plan: crate::reactor::sandbox::Plan,
}

#[cfg(target_os = "linux")]
impl Confinement {
    fn begin(config: &Config, file: Option<&Path>) -> Result<Self, Failure> {
        use crate::reactor::sandbox::{Plan, restrict_files};

        let mode = config.process.sandbox;
        if mode != Sandbox::Off {
            // What does not exist can't be allowed.
            make_directory(&config.store.directory)
                .map_err(|error| cannot("make store.directory", &error))?;
        }
        let plan = Plan::new(config, file);
        restrict_files(mode, &plan).map_err(|error| Failure::Key(error.to_string()))?;
        Ok(Confinement { mode, plan })
    }

    fn complete(self) -> Result<(), Failure> {
        crate::reactor::sandbox::restrict_calls(self.mode, &self.plan)
            .map_err(|error| Failure::Key(error.to_string()))
    }
}

#[cfg(not(target_os = "linux"))]
struct Confinement;

#[cfg(not(target_os = "linux"))]
impl Confinement {
    fn begin(config: &Config, _file: Option<&Path>) -> Result<Self, Failure> {
        match config.process.sandbox {
            Sandbox::Require => Err(Failure::Key(
                "process.sandbox = \"require\": only Linux has it; allowed: \"on\" or \"off\""
                    .to_owned(),
            )),
            Sandbox::On | Sandbox::Off => Ok(Confinement),
        }
    }

    fn complete(self) -> Result<(), Failure> {
        Ok(())
    }
}
