//! Making a server: what it is bound to, and what it is given before it runs.

use std::collections::VecDeque;
use std::net::SocketAddr;

use mio::Poll;

use super::clock::Clock;
use super::hook::Asker;
use super::listeners::Listeners;
use super::process::Process;
use super::reload::Reload;
use super::security_log::SecurityLog;
use super::signals::Signals;
use super::socket::Sockets;
use super::stop::Stop;
use super::{
    Inherited, LogQueue, Reloader, SIGNALS, Server, ServiceManager, StartError, StopHandle,
    TlsAcceptor, TlsHandle, WAKE,
};
use crate::access::Authenticator;
use crate::config::{Config, Turn};
use crate::engine::Engine;

impl Server {
    /// Binds the listeners and makes an engine with a fresh random seed.
    ///
    /// # Errors
    /// [`StartError`] names the setting to change.
    pub fn bind(config: Config, authenticator: Box<dyn Authenticator>) -> Result<Self, StartError> {
        Server::bind_with(config, authenticator, Inherited::default())
    }

    /// The same, with listening sockets that were bound before this process began. Where there is one, the address of
    /// the configuration is not bound.
    ///
    /// # Errors
    /// [`StartError`] names the setting to change.
    pub fn bind_with(
        mut config: Config,
        authenticator: Box<dyn Authenticator>,
        mut inherited: Inherited,
    ) -> Result<Self, StartError> {
        let poll = Poll::new().map_err(StartError::Poll)?;
        let mut listeners = Listeners::default();
        let (address, private_address) =
            listeners.open_all(&config, &mut inherited, poll.registry())?;
        let stop = Stop::new(poll.registry(), WAKE).map_err(StartError::Poll)?;
        let budget = config.turn.clone();
        let drain_time_max = config.drain.time_max;
        let security_log = SecurityLog::open(&config.log)?;
        // Port 0 means any: the listener's own origins name the one it got.
        config.listen.address = address;
        let asker = Asker::prepare(&config.auth.hook)?;
        let clock = Clock::start();
        let acceptor = TlsAcceptor::new(&config.tls, clock.now().wall)?;
        let engine = Engine::new(config, authenticator, random_seed()?)?;
        Ok(Server {
            poll,
            now: clock.now(),
            clock,
            listeners,
            address,
            private_address,
            signals: None,
            tls: TlsHandle::new(stop.waker()),
            stop,
            is_cut_short: false,
            reload: None,
            is_woken: false,
            service: ServiceManager::default(),
            drain_time_max,
            sockets: Sockets::for_at_most(engine.connections_max()),
            engine,
            store: None,
            workers: None,
            asker,
            hook: None,
            read_buffer: read_buffer(&budget),
            readable: VecDeque::new(),
            busy: VecDeque::new(),
            strangers: VecDeque::new(),
            handshakes: VecDeque::new(),
            acceptor,
            opened: Vec::new(),
            gathered: Vec::new(),
            sealed: Vec::new(),
            writable: VecDeque::new(),
            process: Process::new(),
            security_log,
            budget,
        })
    }

    /// The address that the listener got.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The address that the private listener got, if there is one.
    pub fn private_address(&self) -> Option<SocketAddr> {
        self.private_address
    }

    /// Names the queue behind the process's logger: the security log goes there too unless it has a file, and lines that
    /// it drops are counted among the metrics.
    pub fn log_beside(&mut self, process: LogQueue) {
        self.security_log.beside(process);
    }

    /// Begins the file of the security log anew, after it was moved away.
    pub fn reopen_logs(&self) {
        self.security_log.reopen();
    }

    /// Stops the server from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.handle()
    }

    /// Replaces the certificates from another thread. Of use only where TLS is on from the start.
    pub fn tls_handle(&self) -> TlsHandle {
        self.tls.clone()
    }

    /// Meets new connections with other certificates from now on; open ones stay as they are. A server that began
    /// plain stays plain.
    pub fn replace_tls(&mut self, acceptor: TlsAcceptor) {
        if self.acceptor.is_some() {
            self.acceptor = Some(acceptor);
        }
    }

    /// Lets SIGINT and SIGTERM stop the server.
    ///
    /// # Errors
    /// [`StartError::Signals`] when no handler can be installed.
    pub fn stop_on_signals(&mut self) -> Result<(), StartError> {
        let signals = Signals::new(self.poll.registry(), SIGNALS).map_err(StartError::Signals)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Lets SIGHUP have the configuration read again by `reloader`, on a thread of its own. `running` is the one in
    /// force, as the operator gave it. After [`Server::stop_on_signals`].
    ///
    /// # Errors
    /// [`StartError::Signals`] when no handler can be installed, [`StartError::Thread`] when no thread can be started.
    pub fn reload_on_hangup(
        &mut self,
        running: Config,
        reloader: Reloader,
    ) -> Result<(), StartError> {
        let reload = Reload::start(
            running,
            self.address,
            reloader,
            self.stop.waker(),
            self.tls.clone(),
        );
        self.reload = Some(reload.map_err(StartError::Thread)?);
        let hangup = self.signals.as_ref().map_or(Ok(()), Signals::add_hangup);
        hangup.map_err(StartError::Signals)
    }

    /// Tells a service manager how the server fares.
    pub fn report_to(&mut self, service: ServiceManager) {
        self.service = service;
    }
}

pub(super) fn read_buffer(budget: &Turn) -> Box<[u8]> {
    vec![0; budget.read_bytes_per_connection_max].into_boxed_slice()
}

fn random_seed() -> Result<[u8; 32], StartError> {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| StartError::Random)?;
    Ok(seed)
}
