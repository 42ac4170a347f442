//! Typed replies and notices to frames, in the protocol of whoever gets them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::connection::{Wire, until};
use super::refresh::RefreshError;
use crate::config::Limits;
use crate::limit::Limited;
use crate::protocol::close::CloseReason;
use crate::protocol::command::v1::RequestId;
use crate::protocol::command::{CommandError, tutorial};
use crate::protocol::notice::{
    Announcement, Bye, Content, ErrorReply, Hello, HelloLimits, Message, Notice, OkReply, Person,
    Presence, Typing,
};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::websocket::text_frame;
use crate::time::{Now, Wall};

/// The code of every refusal by a rate.
const RATE_LIMITED: &str = "rate_limited";

/// A notice as a frame, or `None` when the protocol has no such notice.
pub(super) fn encode(notice: &Notice<'_>, wire: Wire) -> Option<Bytes> {
    match wire {
        Wire::V1 => Some(text_frame(|out| notice.write_v1(out))),
        Wire::Tutorial => {
            let mut exists = false;
            let frame = text_frame(|out| exists = notice.write_tutorial(out));
            exists.then_some(frame)
        }
    }
}

/// Somebody whom notices are about.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub(super) user: Arc<str>,
    pub(super) name: Arc<str>,
}

impl Who {
    pub(super) fn person(&self) -> Person<'_> {
        Person {
            user: &self.user,
            name: &self.name,
        }
    }

    /// Bytes that this person takes in a list at most: every character of both texts may need an escape.
    pub(super) fn bytes_max(&self) -> usize {
        const NAMES_AND_QUOTES: usize = 96;
        2 * (self.user.len() + self.name.len()) + NAMES_AND_QUOTES
    }

    pub(super) fn message<'a>(
        &'a self,
        room: &'a str,
        seq: u64,
        message: &'a str,
        timestamp: Wall,
    ) -> Notice<'a> {
        Notice::Message(Message {
            room,
            seq,
            sender: self.person(),
            content: Content::Text(message),
            timestamp,
            edited: None,
        })
    }

    pub(super) fn joined<'a>(&'a self, room: &'a str, timestamp: Wall) -> Notice<'a> {
        Notice::Joined(self.presence(room, timestamp))
    }

    pub(super) fn left<'a>(&'a self, room: &'a str, timestamp: Wall) -> Notice<'a> {
        Notice::Left(self.presence(room, timestamp))
    }

    pub(super) fn typing<'a>(&'a self, room: &'a str) -> Notice<'a> {
        Notice::Typing(Typing {
            room,
            person: self.person(),
        })
    }

    pub(super) fn hello<'a>(
        &'a self,
        lobby: &'a str,
        rooms: &'a [&'a str],
        limits: &Limits,
        expires: Option<Wall>,
        now: Wall,
    ) -> Notice<'a> {
        Notice::Hello(Hello {
            person: self.person(),
            lobby,
            rooms,
            limits: HelloLimits::from(limits),
            timestamp: now,
            expires_in_ms: expires.map(|expires| until(expires, now).as_millis() as u64),
        })
    }

    fn presence<'a>(&'a self, room: &'a str, timestamp: Wall) -> Presence<'a> {
        Presence {
            room,
            person: self.person(),
            timestamp,
        }
    }
}

/// The reply to a request that has nothing more to say, about a room or none.
pub(super) fn done<'a>(id: Option<&'a RequestId<'a>>, room: Option<&'a str>) -> Notice<'a> {
    Notice::Ok(OkReply {
        id,
        room,
        ..OkReply::default()
    })
}

/// The reply to `ping`.
pub(super) fn pong<'a>(id: Option<&'a RequestId<'a>>, now: Now) -> Notice<'a> {
    Notice::Ok(OkReply {
        id,
        timestamp: Some(now.wall),
        ..OkReply::default()
    })
}

/// Words of the server to one connection.
pub(super) fn announcement(message: &str, now: Now) -> Notice<'_> {
    Notice::Announcement(Announcement {
        room: None,
        message,
        timestamp: now.wall,
    })
}

/// The reply to `refresh`.
pub(super) fn refreshed<'a>(
    id: Option<&'a RequestId<'a>>,
    expires: Option<Wall>,
    now: Now,
) -> Notice<'a> {
    Notice::Ok(OkReply {
        id,
        expires_in_ms: expires.map(|expires| until(expires, now.wall).as_millis() as u64),
        ..OkReply::default()
    })
}

/// The reply to `send`.
pub(super) fn sent<'a>(id: Option<&'a RequestId<'a>>, seq: u64, now: Now) -> Notice<'a> {
    Notice::Ok(OkReply {
        id,
        seq: Some(seq),
        timestamp: Some(now.wall),
        ..OkReply::default()
    })
}

/// The last notice before a close frame of ours. Whoever may come back is told when.
pub(super) fn bye(reason: CloseReason, words: &str, reconnect_after_ms: Option<u64>) -> Notice<'_> {
    Notice::Bye(Bye {
        code: reason.code(),
        reason: words,
        reconnect_after_ms,
    })
}

/// Why a message was not taken.
#[derive(Debug)]
pub(super) struct Complaint<'a> {
    id: Option<RequestId<'a>>,
    about: About,
}

#[derive(Debug)]
enum About {
    Shape(CommandError),
    Limit(Limited),
    Room(RoomRefusal),
    Refresh(RefreshError),
}

impl<'a> Complaint<'a> {
    /// It was no command.
    pub(super) fn invalid(id: Option<RequestId<'a>>, error: CommandError) -> Self {
        Complaint {
            id,
            about: About::Shape(error),
        }
    }

    /// A limit was reached.
    pub(super) fn limited(id: Option<RequestId<'a>>, limited: Limited) -> Self {
        Complaint {
            id,
            about: About::Limit(limited),
        }
    }

    /// The rooms do not allow it.
    pub(super) fn refused(id: Option<RequestId<'a>>, refusal: RoomRefusal) -> Self {
        Complaint {
            id,
            about: About::Room(refusal),
        }
    }

    /// The stable code that programs act on.
    pub(super) fn code(&self) -> &'static str {
        match &self.about {
            About::Shape(error) => error.code(),
            About::Limit(_) => RATE_LIMITED,
            About::Room(refusal) => refusal.told().code,
            About::Refresh(error) => error.code(),
        }
    }

    /// The credential does not renew the connection's.
    pub(super) fn not_refreshed(id: Option<RequestId<'a>>, error: RefreshError) -> Self {
        Complaint {
            id,
            about: About::Refresh(error),
        }
    }

    /// The complaint as a frame.
    pub(super) fn frame(&self, wire: Wire) -> Bytes {
        let error = self.text(wire);
        let reply = ErrorReply {
            id: self.id.as_ref(),
            error: &error,
            ..self.parts()
        };
        text_frame(|out| match wire {
            Wire::V1 => Notice::Error(reply).write_v1(out),
            Wire::Tutorial => {
                Notice::Error(reply).write_tutorial(out);
            }
        })
    }

    fn parts(&self) -> ErrorReply<'_> {
        let empty = ErrorReply {
            id: None,
            code: self.code(),
            error: "",
            field: None,
            limit: None,
            scope: None,
            retry_after_ms: None,
            until: None,
            reason: None,
        };
        match &self.about {
            About::Shape(error) => ErrorReply {
                field: error.field(),
                ..empty
            },
            About::Limit(limited) => ErrorReply {
                limit: Some(limited.limit),
                scope: Some(limited.scope.as_str()),
                // Rounded up, so that coming back then is early enough.
                retry_after_ms: Some(limited.retry_after.as_nanos().div_ceil(1_000_000) as u64),
                ..empty
            },
            About::Refresh(error) => ErrorReply {
                field: error.field(),
                retry_after_ms: error.retry_after_ms(),
                ..empty
            },
            About::Room(refusal) => {
                let told = refusal.told();
                ErrorReply {
                    field: told.field,
                    limit: told.limit,
                    scope: told.scope,
                    retry_after_ms: told.retry_after_ms,
                    until: told.until,
                    reason: told.reason,
                    ..empty
                }
            }
        }
    }

    fn text(&self, wire: Wire) -> Cow<'static, str> {
        match (&self.about, wire) {
            (About::Shape(error), Wire::Tutorial) => tutorial::text(*error),
            (About::Shape(error), Wire::V1) => error.text(),
            (About::Limit(_), Wire::Tutorial) => tutorial::RATE_LIMITED.into(),
            (About::Limit(_), Wire::V1) => "Too much at once: wait before sending more.".into(),
            (About::Room(RoomRefusal::RoomLimited { .. }), Wire::Tutorial) => {
                tutorial::RATE_LIMITED.into()
            }
            (About::Room(refusal), _) => refusal.told().text,
            (About::Refresh(error), _) => error.text().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_engine_is_in_the_protocols_document() {
        let document = include_str!("../../docs/protocol.md");
        for code in RoomRefusal::CODES.iter().chain(&["rate_limited"]) {
            assert!(document.contains(&format!("`{code}`")), "{code}");
        }
        for reason in CloseReason::ALL {
            let (code, text) = (reason.code(), reason.text());
            assert!(
                document.contains(&format!("| {code} | `{text}` |")),
                "{code} {text}"
            );
        }
    }
}
