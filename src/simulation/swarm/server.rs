//! What steps of a script do to the server itself: its clocks, its disk, its process, and what its operator asks of it.

use std::time::Duration;

use super::client::LISTENED;
use super::disk::look;
use super::oracle::Violation;
use super::perform::late_for;
use super::run::Run;
use super::script::{Act, Fault, PEOPLE};
use crate::access::record::{NewRevocation, Question as RecordQuestion};
use crate::access::revocation::{Revocation, Subject};
use crate::fault::StoreFault;
use crate::store::Question;
use crate::time::{Instant, Wall};

/// How long a revocation is in force.
const REVOKED: Duration = Duration::from_secs(20);
/// An edge that is further away is not waited for.
const EDGE_MAX: Duration = Duration::from_secs(120);
/// A stop takes no longer than this.
const STOP: Duration = Duration::from_secs(8);

impl Run<'_> {
    /// Does what a step says of the server.
    pub(super) fn act_on_server(&mut self, act: Act) -> Result<(), Violation> {
        match act {
            Act::Edge { offset_ms } => return self.wait_for_edge(offset_ms),
            Act::Expiry { offset_ms } => return self.wait_until(self.sanction_end, offset_ms),
            Act::Stall { is_stalled } => return self.stall(is_stalled),
            Act::Answer { times, is_busy } => return self.answer(times, is_busy),
            Act::Fault { fault } => self.fail(fault),
            Act::Crash { committed } => return self.crash(committed),
            Act::Stop => return self.stop(),
            Act::Jump { by_ms } => self.set_date(by_ms),
            Act::Freeze { for_ms } => return self.freeze(for_ms),
            Act::Revoke { who } => return self.revoke(who),
            _ => {}
        }
        Ok(())
    }

    fn fail(&mut self, fault: Option<Fault>) {
        let fault = fault.map(|fault| match fault {
            Fault::Full => StoreFault::DiskFull,
            Fault::ReadOnly => StoreFault::ReadOnly,
            Fault::Broken => StoreFault::Io,
        });
        look(&self.journal).fault = fault;
        self.world.store_is(fault);
        self.oracle.is_troubled = true;
    }

    fn set_date(&mut self, by_ms: i64) {
        let now = self.now().wall.as_millis();
        self.world
            .jump_wall(Wall::from_millis(now.saturating_add_signed(by_ms)));
        self.jumps += 1;
        let now = self.now();
        self.oracle.date_set(now);
    }

    /// The process stands still.
    fn freeze(&mut self, for_ms: u32) -> Result<(), Violation> {
        // What was read before is charged before.
        self.meter()?;
        let time = Duration::from_millis(u64::from(for_ms));
        self.world.set_instant(self.now().instant + time);
        let now = self.now().instant;
        let head = self.config.deadlines.head;
        for number in &self.active {
            let link = &mut self.links[*number];
            link.forgive(time);
            let is_carried = self.network.carries(*number);
            let is_under_way =
                is_carried || self.world.unread_bytes(link.id) > 0 || !link.pending.is_empty();
            if is_under_way {
                link.spend_all(now);
                late_for(self.paces.get_mut(usize::from(link.tab.who)), now);
            }
            // A head that was due a moment ago is not listened for, nor is one that is still to come.
            let due = link.opened + head;
            let is_head_late = is_carried || (due <= now && now.since(due) <= LISTENED);
            // What it had asked may not have been looked at, and its time is over.
            link.is_exact &= link.pending.is_empty() && (link.is_open || !is_head_late);
        }
        for stray in &mut self.strays {
            stray.watched = stray.watched + time + LISTENED;
            // What it had sent was not looked at, and its time may be over.
            if !stray.is_answered
                && let Some(who) = stray.honest.take()
            {
                late_for(self.paces.get_mut(who), now);
            }
            stray.last_taken = stray.last_taken + time + LISTENED;
        }
        self.rejoin();
        Ok(())
    }

    fn wait_for_edge(&mut self, offset_ms: i8) -> Result<(), Violation> {
        let now = self.now().instant;
        self.edges = self.edges.split_off(&(now + Duration::from_nanos(1)));
        let Some(edge) = self.edges.pop_first() else {
            return Ok(());
        };
        self.wait_until(Some(edge), offset_ms)
    }

    fn wait_until(&mut self, moment: Option<Instant>, offset_ms: i8) -> Result<(), Violation> {
        let now = self.now().instant;
        let Some(moment) = moment.filter(|moment| moment.since(now) < EDGE_MAX) else {
            return Ok(());
        };
        // Dates are in whole milliseconds, and so is what happens at them.
        let moment = moment.as_nanos().next_multiple_of(1_000_000);
        let nanos = i64::from(offset_ms) * 1_000_000;
        let to = Instant::from_nanos(moment.saturating_add_signed(nanos));
        self.pass(to.since(now))
    }

    pub(super) fn stall(&mut self, is_stalled: bool) -> Result<(), Violation> {
        self.is_stalled = is_stalled;
        self.world.answers_held = is_stalled;
        self.oracle.is_troubled = true;
        Ok(())
    }

    fn answer(&mut self, times: u8, is_busy: bool) -> Result<(), Violation> {
        for _ in 0..times {
            if is_busy {
                self.world.turn_one_away();
            } else {
                self.world.answer_one();
            }
            self.turn()?;
        }
        Ok(())
    }

    fn crash(&mut self, committed: u8) -> Result<(), Violation> {
        for _ in 0..committed {
            self.world.commit_unheard();
        }
        // In the middle of this one.
        look(&self.journal).is_dying = true;
        self.world.commit_unheard();
        self.begin_anew()
    }

    fn begin_anew(&mut self) -> Result<(), Violation> {
        look(&self.journal).fault = None;
        self.stall(false)?;
        self.network.lose_all();
        self.lifetimes += 1;
        self.counts.crashes += 1;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.script.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&self.lifetimes.to_le_bytes());
        self.world.restart(self.config.clone(), seed);
        self.observe()?;
        let now = self.now();
        self.oracle.restarted(now)
    }

    fn stop(&mut self) -> Result<(), Violation> {
        self.world.drain();
        self.oracle.is_stopping = true;
        self.settle()?;
        self.pass(STOP)?;
        for number in &self.active {
            let link = &self.links[*number];
            if link.is_free && link.told_close.is_none() && link.is_open {
                let words = format!("{} was not told that the server stops", link.user);
                return Err(Violation::new("everybody is told", words));
            }
        }
        self.begin_anew()
    }

    fn revoke(&mut self, who: u8) -> Result<(), Violation> {
        let now = self.now();
        let who = who % PEOPLE.len() as u8;
        let user = PEOPLE[usize::from(who)];
        let revocation = Revocation {
            subject: Subject::User(user.into()),
            at: now.wall,
            until: now.wall.after(REVOKED),
        };
        // It may be remembered for longer: no credential here is so old that it must be forgotten.
        self.revoked.insert(who);
        // As the store's thread would: first it is kept.
        let kept = NewRevocation {
            revocation: revocation.clone(),
            revocations_max: 1000,
        };
        let question = Question::Record(RecordQuestion::Revoke(Box::new(kept)));
        if look(&self.journal).fault.is_some() {
            return Ok(());
        }
        self.world.store().answer(vec![question]);
        for number in &self.active {
            let link = &mut self.links[*number];
            if link.tab.who == who && link.revoked_from.is_none() {
                // One that is still to come in may be let in again when the revocation is over.
                link.revoked_from = Some(if link.is_open {
                    link.received
                } else {
                    usize::MAX
                });
            }
        }
        self.world.apply_revocation(revocation);
        Ok(())
    }
}
