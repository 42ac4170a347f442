//! New connections for as long as it lasts, a few at a time: connect, upgrade, closing handshake, end of stream.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::frames::{self, Splitter};
use super::handshake::{Handshake, granted};
use super::readiness::{Readiness, write_some};
use super::{Work, Workloads};
use crate::failure::{Doing, Failure};
use crate::options::ClientOptions;

pub struct Connect {
    readiness: Readiness,
    handshake: Handshake,
    address: SocketAddr,
    at_a_time: usize,
    close: Vec<u8>,
    /// Connections made so far; decides whose token comes next.
    made: usize,
}

struct Visit {
    stream: TcpStream,
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
        Ok(Connect {
            readiness,
            handshake,
            address,
            at_a_time,
            close: frames::close(),
            made: 0,
        })
    }

    fn visit(&mut self, index: usize) -> Result<Visit, Failure> {
        let mut stream = TcpStream::connect(self.address).doing("connecting")?;
        self.readiness.add(&mut stream, index)?;
        self.made += 1;
        Ok(Visit {
            stream,
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
            if write_some(&mut visit.stream, request)? == 0 {
                return Ok(false);
            }
            visit.stage = Stage::Asked;
        }
        let ended = visit.receive(&mut self.readiness.buffer)?;
        if visit.stage == Stage::Asked
            && let Some(head_bytes) = granted(&visit.received)?
        {
            visit.received.drain(..head_bytes);
            write_some(&mut visit.stream, &self.close)?;
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
    /// Reads what there is; whether the stream is at its end.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<bool, Failure> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(true),
                Ok(count) => self
                    .received
                    .extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).doing("reading"),
            }
        }
    }

    fn was_closed_in_order(&self) -> Result<bool, Failure> {
        let mut closed = false;
        Splitter::default().feed(&self.received, |frame| {
            closed |= frame.is_close();
            Ok(())
        })?;
        Ok(closed && self.stage == Stage::Closing)
    }
}
