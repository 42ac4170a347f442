//! New connections for as long as it lasts, a few at a time: connect, upgrade, closing handshake, end of stream.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::handshake::Handshake;
use super::link::{Link, secure_client};
use super::{Work, Workloads};
use crate::options::ClientOptions;
use crate::shared::failure::Failure;
use crate::shared::frames::{self, Splitter};
use crate::shared::readiness::Readiness;
use crate::shared::upgrade::granted;

pub struct Connect {
    readiness: Readiness,
    handshake: Handshake,
    address: SocketAddr,
    secure: Option<Arc<ClientConfig>>,
    at_a_time: usize,
    close: Vec<u8>,
    /// Connections made so far; decides whose token comes next.
    made: usize,
}

struct Visit {
    link: Link,
    request: usize,
    stage: Stage,
    received: Vec<u8>,
}

#[derive(PartialEq)]
enum Stage {
    Connecting,
    Asked,
    Closing,
}

impl Connect {
    pub fn new(options: &ClientOptions) -> Result<Self, Failure> {
        let (readiness, handshake) = (Readiness::new()?, Handshake::new(options)?);
        let (address, at_a_time) = (options.address, options.connections);
        let secure = options.certificate.as_deref().map(secure_client);
        Ok(Connect {
            readiness,
            handshake,
            address,
            secure: secure.transpose()?,
            at_a_time,
            close: frames::close(),
            made: 0,
        })
    }

    fn visit(&mut self, index: usize) -> Result<Visit, Failure> {
        let mut link = Link::connect(self.address, self.secure.as_ref())?;
        self.readiness.add(&mut link.stream, index)?;
        self.made += 1;
        Ok(Visit {
            link,
            request: self.made,
            stage: Stage::Connecting,
            received: Vec::new(),
        })
    }

    /// Takes a visit as far as it goes now; whether it is over.
    fn step(&mut self, visit: &mut Visit) -> Result<bool, Failure> {
        if visit.stage == Stage::Connecting {
            let request = self.handshake.request(visit.request);
            // Readiness for writing is how a connect in progress says that it is done, or failed.
            if !visit.link.send(request)? {
                return Ok(false);
            }
            visit.stage = Stage::Asked;
        }
        let ended = visit
            .link
            .receive(&mut self.readiness.buffer, &mut visit.received)?;
        if visit.stage == Stage::Asked
            && let Some(head_bytes) = granted(&visit.received)?
        {
            visit.received.drain(..head_bytes);
            visit.link.send(&self.close)?;
            visit.stage = Stage::Closing;
        }
        if ended && !visit.was_closed_in_order()? {
            return Err(Failure::Wrong(
                "the server hung up without its close frame".to_owned(),
            ));
        }
        Ok(ended)
    }
}

impl Workloads for Connect {
    fn run(&mut self, duration: Duration) -> Result<Work, Failure> {
        let until = Instant::now() + duration;
        let mut work = Work { units: 0, bytes: 0 };
        let mut ready = Vec::new();
        let first = (0..self.at_a_time).map(|index| self.visit(index).map(Some));
        let mut visits = first.collect::<Result<Vec<_>, Failure>>()?;
        let mut outstanding = visits.len();
        while outstanding > 0 {
            self.readiness.wait(&mut ready)?;
            for index in &ready {
                let Some(place) = visits.get_mut(*index) else {
                    continue;
                };
                let Some(visit) = place else { continue };
                if !self.step(visit)? {
                    continue;
                }
                work.units += 1;
                *place = if Instant::now() < until {
                    Some(self.visit(*index)?)
                } else {
                    None
                };
                outstanding -= usize::from(place.is_none());
            }
        }
        Ok(work)
    }
}

impl Visit {
    fn was_closed_in_order(&self) -> Result<bool, Failure> {
        let mut closed = false;
        Splitter::default().feed(&self.received, |frame| {
            closed |= frame.is_close();
            Ok(())
        })?;
        Ok(closed && self.stage == Stage::Closing)
    }
}
