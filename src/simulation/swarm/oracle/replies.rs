//! One reply to each request, true when it says that something was done, and no refusal of somebody honest without a reason.

use serde_json::Value;

use super::books::Kept;
use super::hearing::date;
use super::{Judged, Oracle, Violation, deed, text_of};
use crate::protocol::vocabulary::JoinRule;
use crate::simulation::swarm::client::{Link, Request, Seat};
use crate::time::Now;

impl Oracle {
    /// A request was done.
    pub(super) fn answered(
        &mut self,
        link: &mut Link,
        notice: &Value,
        start: usize,
        now: Now,
    ) -> Judged {
        let Some(request) = taken(link, notice)? else {
            return Ok(());
        };
        self.served(link, &request, now)?;
        match request.kind {
            "send" => self.sent(link, &request, notice, now),
            "join" => self.joined(link, &request, notice, now),
            "leave" => {
                link.seats.insert(request.room, Seat::Out { from: start });
                Ok(())
            }
            "history" => self.read(link, &request, notice, now),
            _ => self.done(link, &request),
        }
    }

    /// A page of what was said is what is kept, in order, and for somebody who may read it.
    fn read(&self, link: &Link, request: &Request, notice: &Value, now: Now) -> Judged {
        let room = self.books.room(&request.room);
        let may_read =
            room.is_some_and(|room| room.may_hear(&link.user, self.books.latest(now.wall)));
        let mut last = 0;
        for message in notice["messages"].as_array().into_iter().flatten() {
            let seq = message["seq"].as_u64().unwrap_or_default();
            let sender = message["sender"].as_str().unwrap_or_default();
            let is_kept = text_of(message)
                .is_none_or(|text| room.is_some_and(|room| room.has_said(seq, sender, &text)));
            if !is_kept || seq <= last || (link.is_free && !may_read) {
                let words = format!(
                    "{} reads {message} in {} behind {last}",
                    link.user, request.room
                );
                return Err(Violation::new("history", words));
            }
            last = seq;
        }
        Ok(())
    }

    fn sent(&mut self, link: &Link, request: &Request, notice: &Value, now: Now) -> Judged {
        let seq = notice["seq"].as_u64().unwrap_or_default();
        if !self.is_durable(&request.room) {
            let at = date(notice);
            let what = (&*request.room, Some(seq));
            let whose = (&*link.user, &*request.text);
            self.rates.accepted(whose, what, at, now);
            return Ok(());
        }
        let room = self.books.rooms.get(&request.room);
        let is_kept = room.is_some_and(|room| {
            let is_it = room.has_said(seq, &link.user, &request.text);
            let is_same_key = || {
                let kept = room.messages.get(&seq);
                let is_own = |kept: &Kept| {
                    *kept.sender == *link.user && kept.key.as_deref() == request.key.as_deref()
                };
                request.key.is_some() && kept.is_some_and(is_own)
            };
            is_it || is_same_key()
        });
        if is_kept {
            return Ok(());
        }
        let words = format!("{} is told {notice} of {request:?}", link.user);
        Err(Violation::new("acknowledged is durable", words))
    }

    fn joined(&self, link: &mut Link, request: &Request, notice: &Value, now: Now) -> Judged {
        if !self.may_hear(&request.room, &link.user, now.wall) {
            if link.is_free {
                let words = format!(
                    "{} may not be in {}, and is let in",
                    link.user, request.room
                );
                return Err(Violation::new("admission", words));
            }
            return Ok(());
        }
        let known = match link.seats.get(&request.room) {
            Some(Seat::In { next, gap }) => (*next, *gap),
            _ => (None, None),
        };
        let (next, gap) = match (notice["last_seq"].as_u64(), request.since) {
            (Some(last), Some(since)) => {
                let gap = &notice["gap"];
                let gap = gap["from"].as_u64().zip(gap["to"].as_u64());
                match gap {
                    Some((_, to)) if to > last => (None, None),
                    gap => (Some(since + 1), gap),
                }
            }
            _ => known,
        };
        link.seats
            .insert(request.room.clone(), Seat::In { next, gap });
        Ok(())
    }

    /// What was acknowledged stands in the log as often.
    fn done(&mut self, link: &Link, request: &Request) -> Judged {
        let is_logged = matches!(
            request.kind,
            "kick"
                | "ban"
                | "unban"
                | "mute"
                | "unmute"
                | "affiliate"
                | "transfer"
                | "resign"
                | "delete"
                | "create"
        );
        if !is_logged {
            return Ok(());
        }
        let target = if request.kind == "resign" {
            ""
        } else {
            &request.text
        };
        let deed = deed(&link.user, request.kind, target);
        let room = self.books.rooms.get(&request.room);
        let is_known = |known: &super::Deed| {
            known.actor == deed.actor
                && known.action == deed.action
                && (known.target == deed.target || request.kind == "resign")
        };
        let kept = room.map_or(0, |room| {
            room.deeds
                .iter()
                .filter(|(known, _)| is_known(known))
                .map(|(_, times)| *times)
                .sum()
        });
        let told = self
            .acknowledged
            .entry((request.room.clone(), deed))
            .or_default();
        *told += 1;
        if *told <= kept {
            return Ok(());
        }
        let words = format!(
            "{} was told {told} times that {request:?} is done, and {kept} are kept",
            link.user
        );
        Err(Violation::new("acknowledged is durable", words))
    }

    /// A request was not done.
    pub(super) fn refused(&mut self, link: &mut Link, notice: &Value, now: Now) -> Judged {
        let Some(request) = taken(link, notice)? else {
            return Ok(());
        };
        if notice["code"] != "rate_limited" {
            self.served(link, &request, now)?;
        }
        if !link.is_exact || !link.is_free {
            return Ok(());
        }
        let code = notice["code"].as_str().unwrap_or_default();
        if self.is_reason(link, &request, code, notice, now) {
            return Ok(());
        }
        let words = format!("{} asks {request:?}, and is told {notice}", link.user);
        Err(Violation::new("not stingy", words))
    }

    /// Whether a refusal of somebody honest has a reason outside the server.
    fn is_reason(
        &self,
        link: &Link,
        request: &Request,
        code: &str,
        notice: &Value,
        now: Now,
    ) -> bool {
        let user = &*link.user;
        let Some(room) = self.books.room(&request.room) else {
            return matches!(
                code,
                "unknown_room" | "busy" | "store_unavailable" | "not_in_room"
            ) || (request.kind == "create" && !code.starts_with("rate"));
        };
        match code {
            "rate_limited" => {
                let scope = notice["scope"].as_str().unwrap_or_default();
                let is_knock = notice["limit"] == "knocks_per_user";
                is_knock || (matches!(scope, "room" | "member") && room.was_limited)
            }
            "banned" => room.is_banned(user, now.wall),
            "muted" => room.is_muted(user, now.wall),
            "room_locked" => room.settings.is_locked,
            "room_archived" => room.settings.is_archived,
            "unknown_room" => !room.is_open_to(user, now.wall),
            "not_in_room" => !matches!(link.seats.get(&request.room), Some(Seat::In { .. })),
            "knock_required" => {
                room.settings.join_rule != JoinRule::Open || room.settings.raid_until.is_some()
            }
            "forbidden" => {
                let is_plain = matches!(request.kind, "send" | "join" | "members" | "typing");
                !is_plain
                    || !room.is_open_to(user, now.wall)
                    || room.settings.join_rule != JoinRule::Open
            }
            "room_full" => room.settings.members_max > 0,
            "store_unavailable" => self.is_troubled,
            "busy"
            | "unknown_message"
            | "not_yours"
            | "already"
            | "not_kept"
            | "outranked"
            | "oneself"
            | "last_owner"
            | "operator_ban"
            | "target_banned"
            | "room_exists"
            | "too_many_rooms_created"
            | "above_ceiling"
            | "fixed"
            | "body_required"
            | "message_required"
            | "message_too_long" => request.kind != "ping",
            _ => false,
        }
    }
}

/// The request that a reply is to.
fn taken(link: &mut Link, notice: &Value) -> Result<Option<Request>, Violation> {
    let id = notice["id"].as_u64();
    match id.and_then(|id| link.pending.remove(&id)) {
        Some(request) => Ok(Some(request)),
        None if link.has_lied && id.is_none() => Ok(None),
        None => {
            let words = format!(
                "{} did not ask for {notice}, or was answered before",
                link.user
            );
            Err(Violation::new("one reply", words))
        }
    }
}
