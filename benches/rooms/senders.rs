//! People who say one thing after the other, each in a room of their own and each when the last is acknowledged.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wardroom::rooms::record::RoomQuestion;

use crate::questions;
use crate::server::Site;
use crate::shared::failure::Failure;
use crate::visitors::{Visitors, join, send};

pub const SENDERS: usize = 64;

pub struct Senders {
    visitors: Visitors,
}

/// What became of a while.
pub struct Said {
    pub acknowledged: u64,
    pub time: Duration,
}

/// The rooms that they need.
pub fn rooms() -> impl Iterator<Item = RoomQuestion> {
    (0..SENDERS).map(|user| questions::create(&name(user), user..user + 1))
}

fn name(user: usize) -> String {
    format!("own-{user}")
}

impl Senders {
    pub fn connect(site: &Site, address: SocketAddr) -> Result<Self, Failure> {
        let mut visitors = Visitors::new()?;
        for user in 0..SENDERS {
            let place = visitors.connect(address, &site.token(user)?)?;
            visitors.have(place, &join(&name(user)), 0)?;
        }
        visitors.catch_up()?;
        Ok(Senders { visitors })
    }

    /// The first `senders` of them speak for so long, and then until everything is acknowledged.
    pub fn speak(&mut self, senders: usize, duration: Duration) -> Result<Said, Failure> {
        let began = Instant::now();
        let before = self.visitors.heard().replies;
        let mut due: Vec<u64> = (0..senders)
            .map(|place| self.visitors.replies_to(place))
            .collect();
        let mut asked = before;
        loop {
            let goes_on = began.elapsed() < duration;
            for (place, due) in due.iter_mut().enumerate() {
                if goes_on && self.visitors.replies_to(place) == *due {
                    self.visitors.ask(place, &send(&name(place)))?;
                    *due += 1;
                    asked += 1;
                }
            }
            let heard = self.visitors.heard().replies;
            if heard == asked {
                return Ok(Said {
                    acknowledged: heard - before,
                    time: began.elapsed(),
                });
            }
            self.visitors.wait_for(|now| now.replies > heard)?;
        }
    }
}
