//! Serving: the call that joins the command line to the server.

use super::{Announce, Failure};
use crate::access::certificate::WithCertificates;
use crate::access::token::TokenAuthenticator;
use crate::config::Config;
use crate::reactor::{LogQueue, Server, StartError};
use crate::store::{Company, Sqlite};

/// Binds, announces the address, and serves until the end. The security log goes to `log`, unless it has a file.
///
/// # Errors
/// [`Failure`] when a key cannot be used, the address cannot be bound, or the loop breaks.
pub fn serve(config: Config, announce: Announce<'_>, log: LogQueue) -> Result<(), Failure> {
    let company = match config.store.shared {
        true => Company::Welcome,
        false => Company::Alone,
    };
    let store = Sqlite::open(&config.store.directory, company)
        .map_err(|error| Failure::Operation(error.to_string()))?;
    let authenticator =
        TokenAuthenticator::new(&config.auth).map_err(|error| Failure::Key(error.to_string()))?;
    let mut server = Server::bind(config, Box::new(WithCertificates(authenticator))).map_err(
        |error| match error {
            StartError::Origin(error) => Failure::Key(error.to_string()),
            StartError::Tls(error) => Failure::Key(error.to_string()),
            StartError::Hook(error) => Failure::Key(error.to_string()),
            StartError::Listen {
                setting, address, ..
            } => Failure::bind(setting, address, &error),
            error => Failure::Operation(error.to_string()),
        },
    )?;
    server.log_beside(log);
    server.keep_in(Box::new(store));
    server
        .stop_on_signals()
        .map_err(|error| Failure::Operation(error.to_string()))?;
    if let Some(address) = server.private_address() {
        log::info!("private listener on {address}");
    }
    announce(server.local_address())?;
    server
        .run()
        .map_err(|error| Failure::Operation(error.to_string()))
}
