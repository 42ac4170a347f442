//! The part of a turn that writes: what the engine asked for, each peer once, within the turn's budget.

use std::io::{self, IoSlice};

use super::shares::TimeShare;
use super::{SLICES_MAX, Server};
use crate::engine::{Effect, Share};
use crate::id::ConnectionId;
use crate::time::{Instant, Now};

impl Server {
    pub(super) fn queue_write(&mut self, id: ConnectionId) {
        if let Some(socket) = self.sockets.get_mut(id)
            && socket.blocked
        {
            socket.blocked = false;
            self.writable.push_back(id);
        }
    }

    /// Does what the engine asked for in this share, until that time and within the turn's budget of writes.
    pub(super) fn carry_out(&mut self, of: Share, until: Instant, now: Now) {
        let mut share = TimeShare::until(until);
        let mut writes = 0;
        for _ in 0..self.writable.len().min(self.budget.writes_max) {
            if !share.has_time(&self.clock) {
                break;
            }
            writes += 1;
            if let Some(id) = self.writable.pop_front() {
                share.has_written(self.write(id, now));
            }
        }
        while writes < self.budget.writes_max && share.has_time(&self.clock) {
            let Some(effect) = self.engine.next_effect(of) else {
                return;
            };
            match effect {
                Effect::Write(id) => {
                    writes += 1;
                    share.has_written(self.write(id, now));
                }
                Effect::Read(id) => self.queue_read(id),
                Effect::ShutdownWrite(id) => {
                    self.shutdown_write(id, now);
                    self.queue_read(id);
                }
                Effect::Close(id) => self.sockets.remove(id),
                Effect::Reset(id) => self.sockets.reset(id),
            }
        }
    }

    /// Writes what waits for one peer, until its socket is full or its share of the turn used up; gives how many bytes that were.
    pub(super) fn write(&mut self, id: ConnectionId, now: Now) -> usize {
        let most = self.budget.write_bytes_per_connection_max;
        let mut written = 0;
        while let Some(socket) = self.sockets.get_mut(id) {
            if socket.session.is_some() {
                return self.write_sealed(id, now);
            }
            if socket.blocked {
                break;
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let filled = self.engine.outgoing(id, &mut slices);
            if filled == 0 {
                break;
            }
            if written >= most {
                self.writable.push_back(id);
                break;
            }
            match socket.write(slices.get(..filled).unwrap_or_default()) {
                Ok(count) => {
                    written += count;
                    if !self.engine.written(id, count, now) {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.engine.broken(id, now);
                    break;
                }
            }
        }
        written
    }
}
