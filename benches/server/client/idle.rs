//! Connections that are made and then left alone, so that the server's memory can be looked at.

use std::time::Duration;

use mio::net::TcpStream;

use super::handshake::Handshake;
use super::{Work, Workloads};
use crate::options::ClientOptions;
use crate::shared::failure::Failure;
use crate::shared::readiness::{Readiness, read_all};

pub struct Idle {
    readiness: Readiness,
    streams: Vec<TcpStream>,
}

impl Idle {
    pub fn connect(options: &ClientOptions) -> Result<Self, Failure> {
        let readiness = Readiness::new()?;
        let handshake = Handshake::new(options)?;
        let connect = |index| handshake.connect(index).map(|(stream, _)| stream);
        let streams = (0..options.connections)
            .map(connect)
            .collect::<Result<_, _>>()?;
        Ok(Idle { readiness, streams })
    }
}

impl Workloads for Idle {
    /// Finds every connection still open: a server that hung up has no memory to show.
    fn run(&mut self, duration: Duration) -> Result<Work, Failure> {
        std::thread::sleep(duration);
        let mut bytes = 0;
        for stream in &mut self.streams {
            read_all(stream, &mut self.readiness.buffer, |notice| {
                bytes += notice.len() as u64;
                Ok(())
            })?;
        }
        Ok(Work {
            units: self.streams.len() as u64,
            bytes,
        })
    }
}
