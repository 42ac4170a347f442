//! Scripts of a few steps from bytes, carried out against the whole engine with everybody who judges it looking on.

use crate::simulation::swarm::run;
use crate::simulation::swarm::script::{
    Act, Asking, Backing, Fault, Flood, Going, Lie, Manner, Opening, PEOPLE, Script, Setup, Step,
    TABS, Tab, Verdict, Way,
};

/// Steps of a script, at most. What follows them is not looked at.
const STEPS_MAX: usize = 60;
/// Strangers of one flood, at most.
const FLOOD: u8 = 8;

/// What happens in a world of these bytes is as it must be.
///
/// # Panics
/// When it is not: with the rule that is broken, the script, and what happened in it.
pub fn session(input: &[u8]) {
    let script = script(input);
    let Some(violation) = run(&script, false).violation else {
        return;
    };
    let lines = run(&script, true).lines.join("\n");
    panic!(
        "{}: {}\n{script:#?}\n{lines}",
        violation.rule, violation.words
    );
}

/// The script that bytes stand for; any bytes stand for one.
///
/// Fourteen bytes choose the world. Then each step is a kind, a pause, a way and what belongs to the kind, byte by byte; what is missing is 0.
pub fn script(input: &[u8]) -> Script {
    let mut input = Input(input);
    let (seed, setup) = (u64::from(input.byte()), setup(&mut input));
    let mut script = Script {
        seed,
        setup,
        store: Backing::Twin,
        steps: Vec::new(),
        bytes: Vec::new(),
    };
    while !input.0.is_empty() && script.steps.len() < STEPS_MAX {
        let step = step(&mut input, &mut script.bytes);
        script.steps.push(step);
    }
    script
}

/// What is left of the bytes.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    fn is(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// The first tab of somebody, or in one of two bytes any.
    fn tab(&mut self) -> Tab {
        let byte = self.byte();
        let people = PEOPLE.len() as u8;
        Tab {
            who: byte % people,
            tab: if byte < 128 {
                0
            } else {
                byte / people % TABS as u8
            },
        }
    }
}

fn setup(input: &mut Input<'_>) -> Setup {
    Setup {
        messages_burst: input.pick(&[5, 1, 3, 8]),
        messages_per_ms: input.pick(&[1000, 3000, 5000]),
        // Those of one person are tight; the others are what a server has that is told nothing else.
        connection_burst: 0,
        address_burst: 0,
        commands_burst: 30,
        connection_kib: 128,
        address_kib: 512,
        control_burst: 30,
        handshakes_burst: 30,
        failures_burst: 10,
        is_earned: true,
        tabs_max: input.pick(&[3, 1, 2]),
        queue_bytes_max: input.pick(&[16_384, 4096, 262_144]),
        unread_ms: input.pick(&[3000, 0, 30_000]),
        return_ms: input.pick(&[500, 0, 5000]),
        announced_max: input.pick(&[200, 2]),
        durable: input.byte() % 8,
        pending_max: input.pick(&[32, 4, 512]),
        waiting_max: input.pick(&[4, 1, 16]),
        strangers_max: input.pick(&[50, 8, 1000]),
        retention_max: input.pick(&[100, 10, 10_000]),
        read_bytes_max: input.pick(&[16_384, 1, 7, 64, 600, 65_535]),
    }
}

fn step(input: &mut Input<'_>, bytes: &mut Vec<u8>) -> Step {
    const PAUSES_MS: [u32; 16] = [
        0, 0, 0, 0, 0, 1, 10, 50, 200, 500, 1000, 2000, 3000, 5000, 20_000, 61_000,
    ];
    const LATE_MS: [u16; 4] = [0, 1, 100, 3000];
    let kind = input.byte();
    let pause = input.byte();
    let way = input.byte();
    Step {
        after_ms: PAUSES_MS[usize::from(pause % 16)],
        is_joined: pause >= 128,
        way: Way {
            cuts: way % 16,
            late_ms: LATE_MS[usize::from(way / 16 % 4)],
        },
        act: act(kind, input, bytes),
    }
}

/// Kinds, those that lead to others more than once.
fn act(kind: u8, input: &mut Input<'_>, bytes: &mut Vec<u8>) -> Act {
    match kind % 32 {
        0..=2 => Act::Open {
            tab: input.tab(),
            is_tutorial: input.is(),
            life_s: input.pick(&[0, 0, 0, 2, 30]),
            manner: input.pick(&[Manner::Good, Manner::Good, Manner::Slow, Manner::Dead]),
        },
        3..=5 => Act::Say {
            tab: input.tab(),
            room: input.byte(),
            characters: input.pick(&[12, 40, 480]),
            key: input.byte() % 4,
        },
        6..=9 => ask(input),
        10..=12 => judge(input),
        13..=15 => raw(input, bytes),
        16 => Act::Lie {
            tab: input.tab(),
            lie: lie(input),
            times: input.byte() % 32,
        },
        17 => Act::Take {
            tab: input.tab(),
            bytes: input.pick(&[0, 1, 10, 1000, 5000, u32::MAX]),
        },
        18 => Act::Sever {
            tab: input.tab(),
            bytes: u16::from(input.byte()) * 2,
            is_end: input.is(),
        },
        19 => Act::Part {
            tab: input.tab(),
            for_ms: input.pick(&[1, 100, 2000, 30_000]),
        },
        20 => Act::Go {
            tab: input.tab(),
            how: input.pick(&[Going::Close, Going::HangUp, Going::Reset, Going::Vanish]),
        },
        21 => flood(input),
        22 => Act::Edge {
            offset_ms: input.pick(&[-1, 0, 1]),
        },
        23 => Act::Expiry {
            offset_ms: input.pick(&[-1, 0, 1]),
        },
        24 => Act::Herd,
        25 => Act::Revoke { who: input.byte() },
        _ => server(kind % 32, input),
    }
}

/// What happens to the server.
fn server(kind: u8, input: &mut Input<'_>) -> Act {
    match kind {
        26 => Act::Stall {
            is_stalled: input.is(),
        },
        27 => Act::Answer {
            times: input.byte() % 8,
            is_busy: input.is(),
        },
        28 => Act::Fault {
            fault: input.pick(&[
                None,
                Some(Fault::Full),
                Some(Fault::ReadOnly),
                Some(Fault::Broken),
            ]),
        },
        29 => match input.byte() % 16 {
            15 => Act::Stop,
            committed => Act::Crash { committed },
        },
        30 => Act::Jump {
            by_ms: input.pick(&[-1, 1, -5000, 5000, -3_600_000, 3_600_000]),
        },
        _ => Act::Freeze {
            for_ms: input.pick(&[1, 1000, 10_000, 100_000]),
        },
    }
}

fn ask(input: &mut Input<'_>) -> Act {
    let (tab, room) = (input.tab(), input.byte());
    let what = match input.byte() % 24 {
        0 => Asking::Join,
        1 => Asking::JoinSince,
        2 => Asking::Leave,
        3 => Asking::Members,
        4 => Asking::Typing,
        5 => Asking::Ping,
        6 => Asking::Rooms,
        7 => Asking::Describe,
        8 => Asking::History,
        9 => Asking::Seen,
        10 => Asking::Edit,
        11 => Asking::DeleteOwn,
        12 => Asking::Knock,
        13 => Asking::Resign,
        14 => Asking::Delete,
        15 => Asking::Log,
        16 => Asking::Explain,
        17 | 18 => Asking::Create(input.byte() % 6),
        19 | 20 => Asking::Update(input.byte() % 10),
        21 => Asking::Archive(input.is()),
        22 => Asking::Raid,
        _ => Asking::Join,
    };
    Act::Ask { tab, room, what }
}

fn judge(input: &mut Input<'_>) -> Act {
    const VERDICTS: [Verdict; 14] = [
        Verdict::Kick,
        Verdict::Ban,
        Verdict::Unban,
        Verdict::Mute,
        Verdict::Unmute,
        Verdict::Invite,
        Verdict::Withdraw,
        Verdict::Approve,
        Verdict::MakeMember,
        Verdict::MakeModerator,
        Verdict::MakeOwner,
        Verdict::Dismiss,
        Verdict::Transfer,
        Verdict::Purge,
    ];
    Act::Judge {
        tab: input.tab(),
        room: input.byte(),
        verdict: input.pick(&VERDICTS),
        about: input.byte(),
        for_ms: input.pick(&[0, 1, 1000, 5000]),
    }
}

/// A length and as many bytes, which the script keeps.
fn raw(input: &mut Input<'_>, bytes: &mut Vec<u8>) -> Act {
    let who = input.byte();
    let length = input.byte();
    let from = bytes.len() as u16;
    let said = input.bytes(usize::from(length));
    bytes.extend_from_slice(said);
    Act::Raw {
        stranger: who % 4,
        opening: [
            Opening::Nothing,
            Opening::Tutorial,
            Opening::Full,
            Opening::Full,
        ][usize::from(who / 4 % 4)],
        from,
        length: said.len() as u16,
        is_framed: who / 16 % 2 == 1,
    }
}

fn lie(input: &mut Input<'_>) -> Lie {
    input.pick(&[
        Lie::NotJson,
        Lie::UnknownType,
        Lie::UnknownField,
        Lie::EmptyMessage,
        Lie::LongMessage,
        Lie::Ping,
        Lie::Pong,
        Lie::EmptyFragments,
        Lie::BrokenUtf8,
        Lie::Unmasked,
        Lie::Terabyte,
        Lie::Binary,
        Lie::Cut,
        Lie::Padded,
    ])
}

fn flood(input: &mut Input<'_>) -> Act {
    const FLOODS: [Flood; 6] = [
        Flood::Silent,
        Flood::HalfHead,
        Flood::BadCredential,
        Flood::NewName,
        Flood::Noise,
        Flood::CutHead,
    ];
    Act::Flood {
        kind: input.pick(&FLOODS),
        times: input.byte() % FLOOD,
        is_spread: input.is(),
    }
}
