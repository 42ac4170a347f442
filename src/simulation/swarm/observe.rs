//! What is to be seen of a turn: what became durable, then what every client was told.

use std::time::Duration;

use serde_json::Value;

use super::disk::look;
use super::oracle::{Violation, date};
use super::pace::{MESSAGES, MESSAGES_OF_ADDRESS};
use super::perform::{BEAT, late_for};
use super::run::Run;
use super::script::{Manner, Way};
use crate::protocol::client::masked;
use crate::simulation::client::{Ending, Frame};
use crate::time::Instant;

impl Run<'_> {
    /// Looks at what a turn has brought.
    pub(super) fn observe(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let done = std::mem::take(&mut look(&self.journal).done);
        if let Some(words) = look(&self.journal).wrong.take() {
            return Err(Violation::new("store", words));
        }
        for done in done {
            self.trace.line(now, || {
                format!("  disk: {}", shortened(&format!("{:?}", done.asked)))
            });
            self.counts.kept += 1;
            self.oracle
                .committed(done, &mut self.links, &self.active, now)?;
        }
        self.look_at_raw()?;
        for index in 0..self.active.len() {
            self.look_at(self.active[index])?;
        }
        self.look_at_strays()?;
        self.forget_gone();
        Ok(())
    }

    /// How those are answered who come alone: somebody honest who was mistaken in their credential is told so, within the rate of such mistakes.
    fn look_at_strays(&mut self) -> Result<(), Violation> {
        let now = self.now();
        for stray in &mut self.strays {
            let client = self.world.client(stray.id);
            if stray.is_raw || stray.is_answered || client.received_bytes() == 0 {
                continue;
            }
            let Some(response) = client.take_whole_response() else {
                continue;
            };
            stray.is_answered = true;
            let is_let_in = response.status == 101;
            if is_let_in && stray.came == now.instant {
                self.oracle.shaken(&stray.address, stray.fails, now)?;
            }
            if !is_let_in && stray.honest.is_some() {
                let words = format!(
                    "somebody honest at {} is answered {} to a credential that is no good",
                    stray.address, response.status
                );
                return Err(Violation::new("not stingy", words));
            }
        }
        Ok(())
    }

    /// Forgets the connections that are over.
    fn forget_gone(&mut self) {
        let Run {
            world,
            links,
            active,
            strays,
            ..
        } = self;
        active.retain(|number| {
            let is_over = world.client(links[*number].id).ending() == Ending::Closed;
            if is_over {
                world.forget(links[*number].id);
            }
            !is_over
        });
        strays.retain(|stray| {
            let is_over = world.client(stray.id).ending() == Ending::Closed;
            if is_over {
                world.forget(stray.id);
            }
            !is_over
        });
    }

    fn look_at(&mut self, number: usize) -> Result<(), Violation> {
        let now = self.now();
        let link = &mut self.links[number];
        let client = self.world.client(link.id);
        let read = link.sent - client.in_flight.len() as u64;
        if read > link.read {
            if link.is_usable() && link.is_free {
                link.metered.read_now.push(read - link.read);
            }
            link.read = read;
            link.last_taken = now.instant;
        }
        let total = link.forgotten + client.received_bytes();
        let is_stuck = client.blocked && client.ending() != Ending::Closed;
        if total > link.received {
            self.trace.bytes(
                number,
                &client.received()[link.received - link.forgotten..],
                now,
            );
        }
        // What is of use for a moment only is taken back when much waits: what comes first after that has not waited so long.
        let first = is_stuck.then(|| self.world.comes_first(link.id)).flatten();
        let is_as_before = |(_, known): &(Instant, Vec<u8>)| Some(known) == first.as_ref();
        if total > link.received || !link.stuck.as_ref().is_some_and(is_as_before) {
            link.stuck = first.map(|first| (now.instant, first));
        }
        let has_more = total > link.received;
        if has_more {
            self.read_frames(number)?;
        }
        let link = &mut self.links[number];
        link.received = total;
        let client = self.world.client(link.id);
        if link.is_freed && !client.blocked && !link.is_free {
            link.is_free = true;
            link.watched = now.instant;
        }
        let is_done =
            link.told_close.is_some() || (link.has_gone && read == link.sent && !client.hung_up);
        if is_done && link.ended_since.is_none() && !self.network.carries(number) {
            link.ended_since = Some(now.instant);
        }
        if client.untaken().is_empty() && client.received_bytes() > 64 * 1024 {
            link.forgotten += client.received_bytes();
            client.forget_received();
        }
        Ok(())
    }

    fn read_frames(&mut self, number: usize) -> Result<(), Violation> {
        loop {
            let now = self.now();
            let link = &mut self.links[number];
            let client = self.world.client(link.id);
            let start = link.forgotten + client.received_bytes() - client.untaken().len();
            if !link.is_upgraded && link.refused.is_none() {
                let Some(response) = client.take_whole_response() else {
                    return Ok(());
                };
                link.is_upgraded = response.status == 101;
                link.refused = (response.status != 101).then_some(response.status);
                // Those of the tutorial's protocol are not greeted.
                link.is_open = link.is_upgraded && link.is_tutorial;
                if link.is_open && !link.life.is_zero() {
                    // Whoever reads late was let in when they came.
                    let was_read = if link.is_free || !link.is_exact {
                        now.wall
                    } else {
                        now.wall.before(now.instant.since(link.opened))
                    };
                    link.expires = Some(was_read.after(link.life));
                }
                let words = || format!("  {}#{number} <- {}", link.user, response.status);
                self.trace.line(now, words);
                if link.is_upgraded && link.opened == now.instant {
                    self.oracle.shaken(&link.address, false, now)?;
                }
                self.judge_refusal(number)?;
                continue;
            }
            if link.refused.is_some() {
                return Ok(());
            }
            let Some(frame) = client.take_frame() else {
                return Ok(());
            };
            if link.told_close.is_some() {
                let words = format!("{} is told {frame:?} after the end", link.user);
                return Err(Violation::new("nothing after the end", words));
            }
            self.take(number, &frame, start)?;
        }
    }

    fn take(&mut self, number: usize, frame: &Frame, start: usize) -> Result<(), Violation> {
        let now = self.now();
        let link = &mut self.links[number];
        self.trace.line(now, || {
            let words = String::from_utf8_lossy(&frame.payload);
            format!(
                "  {}#{number} <- {} {}",
                link.user,
                frame.opcode,
                shortened(&words)
            )
        });
        match frame.opcode {
            1 => {
                let notice = serde_json::from_slice(&frame.payload);
                let Ok(notice) = notice else {
                    let words = format!("{} is told what is no JSON", link.user);
                    return Err(Violation::new("JSON", words));
                };
                self.told(number, &notice, start)
            }
            8 => self.told_close(number, &frame.payload),
            9 if link.manner != Manner::Dead => {
                self.send_bytes(number, &masked(0x8A, &frame.payload), Way::default());
                Ok(())
            }
            10 if frame.payload == BEAT => {
                let pinged = link.pinged.take();
                let is_prompt = pinged == Some((now.instant, true));
                self.oracle.ponged(link, is_prompt, now)
            }
            9 | 10 => Ok(()),
            other => Err(Violation::new("frames", format!("opcode {other}"))),
        }
    }

    fn told(&mut self, number: usize, notice: &Value, start: usize) -> Result<(), Violation> {
        let now = self.now();
        self.counts.notices += 1;
        let link = &mut self.links[number];
        if link.is_tutorial {
            let is_answer = notice["error"].is_string() || notice["sender"] == link.user.as_str();
            // What was said behind something that waited for the disk is counted only now.
            if is_answer && link.last_said < now.instant {
                link.spend_all(now.instant);
                late_for(self.paces.get_mut(usize::from(link.tab.who)), now.instant);
            }
            return self.oracle.told_tutorial(link, notice, start, now);
        }
        let id = notice["id"].as_u64();
        let asked = id.and_then(|id| Some(link.pending.get(&id)?.kind));
        self.oracle.told(link, notice, start, now)?;
        if let Some(left) = notice["expires_in_ms"].as_u64() {
            // Whoever reads late counts from when it was said.
            let said = if link.is_free {
                now.wall
            } else {
                date(notice).min(now.wall)
            };
            let expires = said.after(Duration::from_millis(left));
            link.expires = Some(expires);
            let left = expires.as_millis().saturating_sub(now.wall.as_millis());
            self.edges.insert(now.instant + Duration::from_millis(left));
        }
        if notice["type"] == "error" {
            // Whoever is told too often of errors has nothing left, and waits.
            let _ = link.errors.take(1, now.instant);
            let paces = self.paces.get_mut(usize::from(link.tab.who));
            // Of what the network or a standstill has held up nothing is left to give back.
            let gives_back = link.is_exact && is_uncharged(notice, asked);
            if let Some(paces) = paces.filter(|_| gives_back) {
                paces[MESSAGES].give_back();
                paces[MESSAGES_OF_ADDRESS].give_back();
                link.messages.give_back();
            }
        }
        if notice["type"] == "message" {
            self.counts.messages += 1;
            let (room, seq) = (notice["room"].as_str(), notice["seq"].as_u64());
            let key = (link.tab.who, room.unwrap_or_default().to_owned());
            let known = self.heard.entry(key).or_default();
            *known = seq.unwrap_or_default().max(*known);
        }
        Ok(())
    }

    fn told_close(&mut self, number: usize, payload: &[u8]) -> Result<(), Violation> {
        let now = self.now();
        let (code, reason) = payload.split_at_checked(2).unwrap_or_default();
        let code = code
            .first_chunk()
            .map_or(0, |code| u16::from_be_bytes(*code));
        let link = &mut self.links[number];
        link.told_close = Some((code, String::from_utf8_lossy(reason).into_owned()));
        // Whose address owes is read from late, and so is told late that their own end was heard: from then on they are waited for.
        if !link.heeds_rates() {
            link.ended_since = None;
        }
        let is_theirs = |other: &&usize| {
            **other != number && self.links[**other].tab.who == self.links[number].tab.who
        };
        let others = self.active.iter().filter(is_theirs).count();
        let is_crowded = others >= self.config.limits.connections_per_user;
        let link = &self.links[number];
        self.oracle.closed(link, self.jumps, is_crowded, now)?;
        if link.manner == Manner::Good && !link.has_gone {
            self.send_bytes(number, &masked(0x88, payload), Way::default());
        }
        Ok(())
    }

    /// Nobody honest is refused before there is a session.
    fn judge_refusal(&self, number: usize) -> Result<(), Violation> {
        let link = &self.links[number];
        match link.refused.filter(|_| link.is_exact) {
            Some(status) => {
                let words = format!("{} asks for the chat, and is answered {status}", link.user);
                Err(Violation::new("not stingy", words))
            }
            None => Ok(()),
        }
    }
}

/// Whether this is the refusal of a message that was charged to nobody: a refusal takes nothing, as long as nothing was tried.
fn is_uncharged(notice: &Value, asked: Option<&str>) -> bool {
    const TRIED: [&str; 2] = ["busy", "store_unavailable"];
    let code = notice["code"].as_str().unwrap_or_default();
    asked == Some("send") && !TRIED.contains(&code)
}

/// Words that fit into a line.
pub(super) fn shortened(words: &str) -> String {
    const MOST: usize = 400;
    match words.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}
