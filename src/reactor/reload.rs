//! Reading the configuration again, on a thread of its own: the loop never waits for a file.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};

use mio::Waker;

use super::clock::Clock;
use super::descriptors;
use super::hook::{Asker, HookWorkers};
use super::tls::{TlsAcceptor, TlsHandle, Watch};
use crate::access::Authenticator;
use crate::access::origin::OriginList;
use crate::config::{Changed, Config};
use crate::engine::Reconfiguration;

/// What was read again, every part of it usable.
pub struct Fresh {
    pub config: Config,
    pub authenticator: Box<dyn Authenticator>,
}

/// Reads the configuration again. An error for each thing that is wrong, beginning with its place and key.
pub type Reloader = Box<dyn FnMut() -> Result<Fresh, Vec<String>> + Send>;

/// What came of reading it.
pub(super) type Outcome = Result<Ready, Vec<String>>;

/// A configuration to go on with, and how it differs from the last.
pub(super) struct Ready {
    pub(super) reconfiguration: Reconfiguration,
    /// What new connections are met with; `None` where TLS is off.
    pub(super) acceptor: Option<TlsAcceptor>,
    /// Who asks the authentication hook from now on; `None`: those who do.
    pub(super) hook: Option<HookWorkers>,
    pub(super) changed: Vec<Changed>,
}

/// The thread that reads.
///
/// **One reload at a time, and at most one more is remembered**: however often it is asked for meanwhile, what is read in
/// the end is what stood there at the last time.
pub(super) struct Reload {
    /// Room for one, which is taken out when its reading begins.
    asked: SyncSender<()>,
    outcomes: Receiver<Outcome>,
}

impl Reload {
    /// Starts the thread; it ends with this. `running` is the configuration as the operator gave it, `address` the one
    /// that the listener got.
    pub(super) fn start(
        running: Config,
        address: SocketAddr,
        reloader: Reloader,
        waker: Arc<Waker>,
        tls: TlsHandle,
    ) -> io::Result<Reload> {
        let (asked, asks) = sync_channel(1);
        // Nobody asks for a third before the first is fetched; if the loop is slow, this thread waits for it.
        let (outcome, outcomes) = sync_channel(1);
        let mut reading = Reading {
            watch: Watch::new(&running.tls),
            tls,
            running,
            address,
            reloader,
            clock: Clock::start(),
            waker: Arc::clone(&waker),
        };
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || {
                while let Some(asked) = reading.wait(&asks) {
                    if !asked {
                        reading.look_at_certificates();
                        continue;
                    }
                    if outcome.send(reading.read()).is_err() {
                        return;
                    }
                    if let Err(error) = waker.wake() {
                        log::error!("the loop can not be woken for a reload: {error}");
                    }
                }
            })?;
        Ok(Reload { asked, outcomes })
    }

    /// Asks for a reload.
    pub(super) fn ask(&self) {
        match self.asked.try_send(()) {
            Ok(()) => {}
            Err(TrySendError::Full(())) => {
                log::info!("a reload is asked for already");
            }
            Err(TrySendError::Disconnected(())) => {
                log::error!("the thread that reloads has ended; restart the server");
            }
        }
    }

    /// The next outcome, if there is one.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }
}

struct Reading {
    /// What is in force once everything that was sent is applied.
    running: Config,
    address: SocketAddr,
    reloader: Reloader,
    clock: Clock,
    watch: Watch,
    tls: TlsHandle,
    /// For threads that are made here and serve the loop.
    waker: Arc<Waker>,
}

const TLS_STAYS: &str =
    "tls.certificate: found TLS switched on or off; allowed: other certificates, or a restart";

impl Reading {
    /// Whether a reload was asked for, or else it is time to look at certificates; `None`: nobody will ask any more.
    fn wait(&self, asks: &Receiver<()>) -> Option<bool> {
        let tls = &self.running.tls;
        if tls.look_every.is_zero() || !tls.is_on() {
            return asks.recv().ok().map(|()| true);
        }
        match asks.recv_timeout(tls.look_every) {
            Ok(()) => Some(true),
            Err(RecvTimeoutError::Timeout) => Some(false),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Hands certificates over that were put in the place of others. Nothing else is read.
    fn look_at_certificates(&mut self) {
        if !self.watch.has_changed(&self.running.tls) {
            return;
        }
        match self.certificates() {
            Ok(acceptor) => match self.tls.replace(acceptor) {
                Ok(()) => log::info!("certificates have changed and are replaced"),
                Err(error) => log::error!("the loop can not be woken for certificates: {error}"),
            },
            Err(errors) => {
                for error in errors {
                    log::error!("certificates have changed and are not replaced: {error}");
                }
            }
        }
    }

    fn certificates(&mut self) -> Result<TlsAcceptor, Vec<String>> {
        let told = |errors: Vec<_>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let tls = self.running.tls.read_again().map_err(told)?;
        let acceptor = TlsAcceptor::new(&tls, self.clock.now().wall)
            .map_err(|error| vec![error.to_string()])?;
        self.running.tls = tls;
        acceptor.ok_or_else(|| vec![TLS_STAYS.to_owned()])
    }

    fn read(&mut self) -> Outcome {
        let fresh = (self.reloader)()?;
        let told = |errors: Vec<_>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let reloaded = fresh.config.reloaded(&self.running).map_err(told)?;
        let config = reloaded.config;
        descriptors::check(&config).map_err(|error| vec![error.to_string()])?;
        if config.tls.is_on() != self.running.tls.is_on() {
            return Err(vec![TLS_STAYS.to_owned()]);
        }
        let acceptor = TlsAcceptor::new(&config.tls, self.clock.now().wall)
            .map_err(|error| vec![error.to_string()])?;
        let origins = OriginList::new(&config.origins.allow, self.address, config.tls.is_on())
            .map_err(|error| vec![error.to_string()])?;
        let hook = self.hook(&config)?;
        descriptors::make_room(&config);
        self.running = config.clone();
        self.watch = Watch::new(&config.tls);
        Ok(Ready {
            reconfiguration: Reconfiguration {
                config,
                authenticator: fresh.authenticator,
                origins,
            },
            acceptor,
            hook,
            changed: reloaded.changed,
        })
    }
}

impl Reading {
    /// Other threads for the hook, when anything about it is new.
    fn hook(&self, config: &Config) -> Result<Option<HookWorkers>, Vec<String>> {
        if config.auth.hook == self.running.auth.hook {
            return Ok(None);
        }
        let asker = Asker::prepare(&config.auth.hook).map_err(|error| vec![error.to_string()])?;
        let started = asker.map(|asker| HookWorkers::start(asker, Arc::clone(&self.waker)));
        started
            .transpose()
            .map_err(|error| vec![format!("auth.hook: no threads: {error}")])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use mio::{Poll, Token};

    use super::*;
    use crate::access::{AuthError, Credential, Identity};
    use crate::time::Now;

    struct Nobody;

    impl Authenticator for Nobody {
        fn authenticate(&self, _: Credential<'_>, _: Now) -> Result<Identity, AuthError> {
            Err(AuthError::Invalid)
        }
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn a_storm_of_requests_is_the_one_that_runs_and_one_more() {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let (begun, begins) = channel();
        let (go, goes) = channel::<()>();
        let reloader: Reloader = Box::new(move || {
            begun.send(()).unwrap();
            goes.recv_timeout(PATIENCE).unwrap();
            Err(vec!["wardroom.toml:1: nonsense".to_owned()])
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let reload = Reload::start(
            Config::default(),
            address,
            reloader,
            Arc::clone(&waker),
            TlsHandle::new(waker),
        )
        .unwrap();
        reload.ask();
        begins.recv_timeout(PATIENCE).unwrap();
        for _ in 0..100 {
            reload.ask();
        }
        for _ in 0..2 {
            go.send(()).unwrap();
            let outcome = reload.outcomes.recv_timeout(PATIENCE).unwrap();
            assert!(outcome.is_err());
        }
        begins.recv_timeout(PATIENCE).unwrap();
        reload.ask();
        begins.recv_timeout(PATIENCE).unwrap();
        assert!(begins.try_recv().is_err(), "a third was not read meanwhile");
        go.send(()).unwrap();
    }

    #[test]
    fn what_was_kept_is_compared_with_the_next_file_too() {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let mut reading = Reading {
            watch: Watch::new(&Config::default().tls),
            tls: TlsHandle::new(Arc::clone(&waker)),
            running: Config::default(),
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            reloader: Box::new(|| {
                let mut config = Config::default();
                config.limits.prefixes_max = 100;
                config.limits.pauses_max = 7;
                Ok(Fresh {
                    config,
                    authenticator: Box::new(Nobody),
                })
            }),
            clock: Clock::start(),
            waker,
        };
        let keys = |outcome: Outcome| -> Vec<(&str, bool)> {
            let changed = match outcome {
                Ok(fresh) => fresh.changed,
                Err(_) => panic!("a good file"),
            };
            changed
                .iter()
                .map(|change| (change.key, change.needs_restart))
                .collect()
        };
        let first = keys(reading.read());
        assert_eq!(
            first,
            [("limits.prefixes_max", true), ("limits.pauses_max", false)]
        );
        assert_eq!(keys(reading.read()), [("limits.prefixes_max", true)]);
    }
}
