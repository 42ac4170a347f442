//! What happens in a simulated world: a list of steps, each of which means something whatever became of the others, so that any of them can be
//! left out. Written by `generate`, by a fuzzer, or by hand; carried out by `run`.

use std::time::Duration;

use crate::config::{Config, Rate};

/// People of the world. Who somebody is says how they behave.
pub const PEOPLE: [&str; 12] = [
    "anna", "bert", "cleo", "dora", "emil", // honest, and within every rate
    "olga", "mira", "max", "tom", // a crew that makes rooms and fights over them
    "xaver", "xenia", "xu", // hostile
];
/// How many of them are honest, and how many of the rest belong to the crew.
pub const HONEST: usize = 5;
pub const CREW: usize = 4;
/// Connections of one person, at most.
pub const TABS: usize = 3;
/// Rooms that are spoken of. The first three are of the configuration, the last never exists.
pub const ROOMS: [&str; 7] = ["lobby", "general", "random", "den0", "den1", "den2", "void"];

/// A world and what happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Of the engine's randomness.
    pub seed: u64,
    pub setup: Setup,
    pub store: Backing,
    pub steps: Vec<Step>,
    /// Of which strangers send parts as they are.
    pub bytes: Vec<u8>,
}

/// What the server's store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// The twin in memory, which lasts when the server dies.
    Twin,
    /// The real one over a simulated disk.
    Sqlite,
}

/// What the server is configured to be, in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    pub messages_burst: u8,
    pub messages_per_ms: u16,
    /// Of one connection and of one address in four seconds; 0: any number.
    pub connection_burst: u8,
    pub address_burst: u8,
    pub commands_burst: u8,
    /// Thousands of bytes a second of one connection and of one address.
    pub connection_kib: u16,
    pub address_kib: u16,
    pub control_burst: u8,
    pub handshakes_burst: u8,
    pub failures_burst: u8,
    /// Whether addresses earn room for more.
    pub is_earned: bool,
    pub tabs_max: u8,
    pub queue_bytes_max: u32,
    pub unread_ms: u16,
    pub return_ms: u16,
    pub announced_max: u8,
    /// Bit by bit: whether lobby, general and random keep their messages.
    pub durable: u8,
    pub pending_max: u16,
    pub waiting_max: u8,
    pub strangers_max: u16,
    pub retention_max: u16,
    /// Bytes that the server reads at a time.
    pub read_bytes_max: u16,
}

impl Setup {
    /// The configuration that this comes to.
    pub fn config(&self) -> Config {
        let millis = |millis: u16| Duration::from_millis(u64::from(millis));
        let mut config = Config::default();
        config.limits.messages_per_user = Rate::new(
            u64::from(self.messages_burst.max(1)),
            millis(self.messages_per_ms.max(1)),
        );
        let limits = &mut config.limits;
        let in_four = |burst: u8| match burst {
            0 => Rate::new(1000, Duration::from_secs(1)),
            burst => Rate::new(u64::from(burst), Duration::from_secs(4)),
        };
        limits.messages_per_connection = in_four(self.connection_burst);
        limits.messages_per_address = in_four(self.address_burst);
        let in_seconds =
            |burst: u8, seconds| Rate::new(u64::from(burst.max(2)), Duration::from_secs(seconds));
        limits.commands_per_user = in_seconds(self.commands_burst, 5);
        limits.control_frames_per_connection = in_seconds(self.control_burst, 10);
        limits.handshakes_per_address = in_seconds(self.handshakes_burst, 10);
        limits.failed_authentications_per_address = in_seconds(self.failures_burst, 60);
        let kib = |kib: u16| Rate::new(u64::from(kib.max(16)) * 1024, Duration::from_secs(1));
        limits.bytes_per_connection = kib(self.connection_kib);
        limits.bytes_per_address = kib(self.address_kib);
        if !self.is_earned {
            limits.earned_per_address_max = 0;
        }
        config.limits.connections_per_user = usize::from(self.tabs_max.max(1));
        config.limits.outbound_bytes_per_connection_max = self.queue_bytes_max as usize;
        config.limits.unauthenticated_max = usize::from(self.strangers_max.max(4));
        config.deadlines.unread = millis(self.unread_ms);
        config.rooms.return_time_max = millis(self.return_ms);
        config.rooms.announced_people_max = usize::from(self.announced_max);
        config.rooms.pending_max = usize::from(self.pending_max.max(4));
        config.rooms.changes_waiting_max = usize::from(self.waiting_max.max(1));
        config.rooms.retention_messages_max = usize::from(self.retention_max.max(10));
        config.rooms.page_bytes_max = 4096;
        let named = ROOMS.iter().take(3).enumerate();
        let kept = named.filter(|(at, _)| self.durable >> at & 1 == 1);
        config.rooms.durable = kept.map(|(_, room)| (*room).to_owned()).collect();
        config
    }
}

/// Something that happens, so long after what was before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub after_ms: u32,
    pub act: Act,
    /// How the network treats what is sent.
    pub way: Way,
    /// Whether the next step happens in the same turn, before the server has looked at anything of this one.
    pub is_joined: bool,
}

/// The way of some bytes: in so many pieces more than one, each so much later than the one before. What honest people send is cut and not late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way {
    pub cuts: u8,
    pub late_ms: u16,
}

/// A connection of somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tab {
    pub who: u8,
    pub tab: u8,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Somebody opens the chat. `life_s`: how long the credential is good; 0: without end.
    Open {
        tab: Tab,
        is_tutorial: bool,
        life_s: u16,
        manner: Manner,
    },
    /// Everybody's connections break at once, and they are back when the step after comes.
    Herd,
    Say {
        tab: Tab,
        room: u8,
        characters: u16,
        /// 0: none; the same number is the same key.
        key: u8,
    },
    Ask {
        tab: Tab,
        room: u8,
        what: Asking,
    },
    /// Something about somebody in a room.
    Judge {
        tab: Tab,
        room: u8,
        verdict: Verdict,
        about: u8,
        for_ms: u32,
    },
    /// Somebody asks for the chat with a credential that is no good.
    Mistake {
        who: u8,
    },
    /// A ping of WebSocket's.
    Beat {
        tab: Tab,
    },
    /// Bytes that nobody should send.
    Lie {
        tab: Tab,
        lie: Lie,
        times: u8,
    },
    /// So many bytes more fit into the client's socket; `u32::MAX`: any number.
    Take {
        tab: Tab,
        bytes: u32,
    },
    /// The network breaks the connection after so many bytes more of the client's, with a reset or (`is_end`) as if it had ended there.
    Sever {
        tab: Tab,
        bytes: u16,
        is_end: bool,
    },
    /// For so long nothing passes in either direction.
    Part {
        tab: Tab,
        for_ms: u32,
    },
    Go {
        tab: Tab,
        how: Going,
    },
    /// Strangers connect, from one address or from all over a network.
    Flood {
        kind: Flood,
        times: u8,
        is_spread: bool,
    },
    /// One of a few strangers connects, if need be, and sends bytes of the script: so many from there on, and inside of a frame if that is so.
    Raw {
        stranger: u8,
        opening: Opening,
        from: u16,
        length: u16,
        is_framed: bool,
    },
    /// Nothing happens until this long before (negative) or after the next moment at which something ends that was said to.
    Edge {
        offset_ms: i8,
    },
    /// Nothing happens until this long before or after the end of the ban or mute that was asked for last.
    Expiry {
        offset_ms: i8,
    },
    /// The store stops answering, or goes on.
    Stall {
        is_stalled: bool,
    },
    /// It answers so many questions in a stall, or turns them away.
    Answer {
        times: u8,
        is_busy: bool,
    },
    /// Nothing can be written from now on, or it can again.
    Fault {
        fault: Option<Fault>,
    },
    /// The server dies after the store has done so much more of what it was asked, and is started again.
    Crash {
        committed: u8,
    },
    /// The server is told to stop, and is started again when it has.
    Stop,
    /// The date is set.
    Jump {
        by_ms: i64,
    },
    /// The process stands still, and wakes up later.
    Freeze {
        for_ms: u32,
    },
    /// Somebody's credentials are taken back.
    Revoke {
        who: u8,
    },
}

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It answers pings, and reads what comes.
    Good,
    /// It reads no more than it is let.
    Slow,
    /// It says nothing after its request, and answers nothing.
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    Join,
    /// With the number of the last message that this person has heard there.
    JoinSince,
    Leave,
    Members,
    Typing,
    Ping,
    /// A ping with as many spaces behind it as may be sent.
    Fill,
    Rooms,
    Describe,
    History,
    Seen,
    Edit,
    DeleteOwn,
    Knock,
    Resign,
    Delete,
    Log,
    Explain,
    /// A room of this kind: 0 public, 1 members, 2 private; odd ones above keep nothing.
    Create(u8),
    /// Other settings: which of a table.
    Update(u8),
    Archive(bool),
    Raid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Kick,
    Ban,
    Unban,
    Mute,
    Unmute,
    Invite,
    Withdraw,
    Approve,
    MakeMember,
    MakeModerator,
    MakeOwner,
    Dismiss,
    Transfer,
    Purge,
}

impl Verdict {
    /// The command's name.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Kick => "kick",
            Verdict::Ban => "ban",
            Verdict::Unban => "unban",
            Verdict::Mute => "mute",
            Verdict::Unmute => "unmute",
            Verdict::Invite => "invite",
            Verdict::Withdraw => "withdraw",
            Verdict::Approve => "approve",
            Verdict::MakeMember
            | Verdict::MakeModerator
            | Verdict::MakeOwner
            | Verdict::Dismiss => "affiliate",
            Verdict::Transfer => "transfer",
            Verdict::Purge => "purge",
        }
    }

    /// What affiliation is given.
    pub fn affiliation(self) -> Option<&'static str> {
        match self {
            Verdict::MakeMember => Some("member"),
            Verdict::MakeModerator => Some("moderator"),
            Verdict::MakeOwner => Some("owner"),
            Verdict::Dismiss => Some("none"),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    NotJson,
    UnknownType,
    UnknownField,
    EmptyMessage,
    LongMessage,
    Ping,
    Pong,
    EmptyFragments,
    BrokenUtf8,
    Unmasked,
    Terabyte,
    Binary,
    /// The beginning of a message, and never the rest.
    Cut,
    /// A good request in thousands of bytes.
    Padded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// With a close frame.
    Close,
    /// By shutting the writing side.
    HangUp,
    /// The network breaks it.
    Reset,
    /// It is not heard of any more, and its socket takes nothing.
    Vanish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// Nothing is sent.
    Silent,
    /// Half a request's head.
    HalfHead,
    /// A whole request with a credential that is no good.
    BadCredential,
    /// A good credential, of a new name each.
    NewName,
    /// What is no HTTP at all.
    Noise,
    /// A request, and a reset in the middle of it.
    CutHead,
}

/// What a stranger says before bytes of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    Nothing,
    /// A good request for the chat in the tutorial's protocol, or the full one.
    Tutorial,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Full,
    ReadOnly,
    Broken,
}
