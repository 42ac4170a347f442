//! Scripts from seeds, in the manner of swarm testing: each seed takes a random part of everything that can happen, with random weights, so that
//! what hides behind one thing is met where that thing does not happen.

use super::dice::Dice;
use super::script::{
    Act, Asking, CREW, Fault, Flood, Going, HONEST, Lie, Manner, PEOPLE, Script, Setup, Step, TABS,
    Tab, Verdict, Way,
};

/// Kinds of things that happen.
const KINDS: usize = 20;
/// Those that every script has: opening, saying, joining.
const ALWAYS: usize = 3;

const DYING: usize = 17;

/// What a seed has chosen.
struct Swarm {
    dice: Dice,
    weights: [u64; KINDS],
    /// Time between two steps, at most.
    pace_ms: u64,
    cuts: u64,
    late_ms: u64,
    /// Of a hundred steps without time between them, how many happen in one turn with the next.
    joined: u64,
}

/// The script of a seed: so many minutes, as long as nothing stands still.
pub fn generate(seed: u64, minutes: u64) -> Script {
    let mut dice = Dice::new(seed);
    let mut weights = [0; KINDS];
    for (kind, weight) in weights.iter_mut().enumerate() {
        let is_chosen = kind < ALWAYS || dice.happens(1, 2);
        *weight = if is_chosen { dice.within(1, 12) } else { 0 };
    }
    // Most of what happens is talk.
    weights[1] += 20;
    // A server that dies all the time has no time for anything else.
    weights[DYING] = weights[DYING].min(1);
    let setup = setup(&mut dice);
    let mut swarm = Swarm {
        weights,
        pace_ms: dice.pick(&[50, 300, 1000, 3000]),
        cuts: dice.pick(&[0, 0, 2, 12]),
        late_ms: dice.pick(&[0, 5, 400]),
        joined: dice.pick(&[0, 30, 80]),
        dice,
    };
    let mut steps = Vec::new();
    let mut passed = 0;
    const STEPS_MAX: usize = 2000;
    swarm.begin(&mut steps);
    while passed < minutes * 60_000 && steps.len() < STEPS_MAX {
        let before = steps.len();
        swarm.happen(&mut steps);
        let added = steps.get(before..).unwrap_or_default();
        passed += added
            .iter()
            .map(|step: &Step| u64::from(step.after_ms))
            .sum::<u64>();
        // Steps without time between them are bounded too.
        passed += 20;
    }
    Script { seed, setup, steps }
}

fn setup(dice: &mut Dice) -> Setup {
    Setup {
        messages_burst: dice.pick(&[1, 3, 5, 8]),
        messages_per_ms: dice.pick(&[1000, 3000, 5000]),
        tabs_max: dice.pick(&[1, 2, 3]),
        queue_bytes_max: dice.pick(&[4096, 16_384, 262_144]),
        unread_ms: dice.pick(&[0, 3000, 30_000]),
        return_ms: dice.pick(&[0, 500, 5000]),
        announced_max: dice.pick(&[2, 200]),
        durable: dice.below(8) as u8,
        pending_max: dice.pick(&[4, 32, 512]),
        waiting_max: dice.pick(&[1, 4, 16]),
        strangers_max: dice.pick(&[8, 50, 1000]),
        retention_max: dice.pick(&[10, 100, 10_000]),
        read_bytes_max: dice.pick(&[64, 600, 16_384, 65_535]),
    }
}

impl Swarm {
    fn tab(&mut self, from: usize, to: usize) -> Tab {
        Tab {
            who: self.dice.within(from as u64, to as u64 - 1) as u8,
            tab: self.dice.below(TABS as u64) as u8,
        }
    }

    fn anybody(&mut self) -> Tab {
        // The first tab of everybody is used most.
        let tab = self.tab(0, PEOPLE.len());
        let is_first = self.dice.happens(1, 2);
        Tab {
            tab: if is_first { 0 } else { tab.tab },
            ..tab
        }
    }

    fn crew(&mut self) -> Tab {
        let tab = self.tab(HONEST, HONEST + CREW);
        Tab { tab: 0, ..tab }
    }

    /// Rooms of the configuration, or those of the crew.
    fn room(&mut self) -> u8 {
        self.dice.pick(&[0, 0, 1, 1, 2, 3, 3, 4, 5, 6])
    }

    fn push(&mut self, steps: &mut Vec<Step>, act: Act) {
        let after = if self.dice.happens(1, 3) {
            0
        } else {
            self.dice.below(self.pace_ms)
        };
        let way = Way {
            cuts: self.dice.below(self.cuts + 1) as u8,
            late_ms: self.dice.below(self.late_ms + 1) as u16,
        };
        let is_joined = self.dice.happens(self.joined, 100);
        steps.push(Step {
            after_ms: after as u32,
            act,
            way,
            is_joined,
        });
    }

    /// Most people are there from the start, and some rooms are made.
    fn begin(&mut self, steps: &mut Vec<Step>) {
        for who in 0..PEOPLE.len() as u8 {
            if self.dice.happens(3, 4) {
                let tab = Tab { who, tab: 0 };
                let is_tutorial = self.dice.happens(1, 8);
                self.push(
                    steps,
                    Act::Open {
                        tab,
                        is_tutorial,
                        life_s: 0,
                        manner: Manner::Good,
                    },
                );
            }
        }
        for _ in 0..self.dice.below(4) {
            self.found(steps);
        }
        for who in 0..PEOPLE.len() as u8 {
            let tab = Tab { who, tab: 0 };
            for room in [1, 3] {
                let what = Asking::Join;
                self.push(steps, Act::Ask { tab, room, what });
            }
        }
    }

    /// One thing happens, or a few that belong together.
    fn happen(&mut self, steps: &mut Vec<Step>) {
        let sum = self.weights.iter().sum();
        let mut left = self.dice.below(sum);
        let mut kind = 0;
        while left >= self.weights[kind] {
            left -= self.weights[kind];
            kind += 1;
        }
        match kind {
            0 => self.open(steps),
            1 => self.talk(steps),
            2 => {
                let (tab, room) = (self.anybody(), self.room());
                let what =
                    self.dice
                        .pick(&[Asking::Join, Asking::JoinSince, Asking::Join, Asking::Leave]);
                self.push(steps, Act::Ask { tab, room, what });
            }
            3 => self.ask(steps),
            4 => self.found(steps),
            5 | 6 => self.judge(steps),
            7 => self.sanction(steps),
            8 => self.govern(steps),
            9 => self.lie(steps),
            10 => {
                let tab = self.anybody();
                let bytes = self.dice.pick(&[0, 10, 1000, 5000, u32::MAX, u32::MAX]);
                self.push(steps, Act::Take { tab, bytes });
            }
            11 => {
                let tab = self.anybody();
                let how =
                    self.dice
                        .pick(&[Going::Close, Going::HangUp, Going::Reset, Going::Vanish]);
                self.push(steps, Act::Go { tab, how });
            }
            12 => self.sever(steps),
            13 => self.flood(steps),
            14 => self.edge(steps),
            15 => self.stall(steps),
            16 => {
                let fault = self.dice.pick(&[
                    Some(Fault::Full),
                    Some(Fault::ReadOnly),
                    Some(Fault::Broken),
                    None,
                    None,
                    None,
                ]);
                self.push(steps, Act::Fault { fault });
            }
            17 => self.die(steps),
            18 => self.shift(steps),
            _ => self.herd(steps),
        }
    }

    fn open(&mut self, steps: &mut Vec<Step>) {
        let tab = self.anybody();
        let manner = self.dice.pick(&[
            Manner::Good,
            Manner::Good,
            Manner::Good,
            Manner::Good,
            Manner::Slow,
            Manner::Dead,
        ]);
        let life_s = self.dice.pick(&[0, 0, 0, 0, 2, 30]);
        let is_tutorial = self.dice.happens(1, 6);
        let open = Act::Open {
            tab,
            is_tutorial,
            life_s,
            manner,
        };
        self.push(steps, open);
        if self.dice.happens(2, 3) {
            let room = self.room();
            let what = Asking::Join;
            self.push(steps, Act::Ask { tab, room, what });
        }
    }

    fn talk(&mut self, steps: &mut Vec<Step>) {
        let (tab, room) = (self.anybody(), self.room());
        let times = self.dice.pick(&[1, 1, 2, 6]);
        for _ in 0..times {
            let characters = self.dice.pick(&[12, 40, 480]);
            let key = self.dice.pick(&[0, 0, 0, 1, 2, 3]);
            self.push(
                steps,
                Act::Say {
                    tab,
                    room,
                    characters,
                    key,
                },
            );
        }
    }

    fn ask(&mut self, steps: &mut Vec<Step>) {
        const ASKED: [Asking; 12] = [
            Asking::Members,
            Asking::Typing,
            Asking::Ping,
            Asking::Rooms,
            Asking::Describe,
            Asking::History,
            Asking::Seen,
            Asking::Edit,
            Asking::DeleteOwn,
            Asking::Knock,
            Asking::Log,
            Asking::Explain,
        ];
        let (tab, room) = (self.anybody(), self.room());
        let what = self.dice.pick(&ASKED);
        self.push(steps, Act::Ask { tab, room, what });
    }

    /// One of the crew makes a room, and people come.
    fn found(&mut self, steps: &mut Vec<Step>) {
        let tab = self.crew();
        let room = self.dice.within(3, 5) as u8;
        let kind = self.dice.pick(&[0, 0, 1, 2, 3, 4]);
        let manner = Manner::Good;
        self.push(
            steps,
            Act::Open {
                tab,
                is_tutorial: false,
                life_s: 0,
                manner,
            },
        );
        self.push(
            steps,
            Act::Ask {
                tab,
                room,
                what: Asking::Create(kind),
            },
        );
        for _ in 0..self.dice.below(5) {
            let tab = self.anybody();
            let what = Asking::Join;
            self.push(steps, Act::Ask { tab, room, what });
        }
    }

    fn judge(&mut self, steps: &mut Vec<Step>) {
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
        let tab = self.crew();
        let room = self.dice.within(3, 5) as u8;
        let verdict = self.dice.pick(&VERDICTS);
        let about = self.dice.below(PEOPLE.len() as u64) as u8;
        let for_ms = self.dice.pick(&[0, 1000, 5000]);
        self.push(
            steps,
            Act::Judge {
                tab,
                room,
                verdict,
                about,
                for_ms,
            },
        );
    }

    /// Somebody is there, is put out or quieted for a time, and tries at the very moment at which that ends.
    fn sanction(&mut self, steps: &mut Vec<Step>) {
        let tab = self.crew();
        let room = self.dice.within(3, 5) as u8;
        let about = self.tab(0, PEOPLE.len());
        let victim = Tab { tab: 0, ..about };
        let verdict = self
            .dice
            .pick(&[Verdict::Ban, Verdict::Mute, Verdict::Kick]);
        let for_ms = self.dice.pick(&[0, 700, 2000]);
        let say = Act::Say {
            tab: victim,
            room,
            characters: 20,
            key: 0,
        };
        let join = Act::Ask {
            tab: victim,
            room,
            what: Asking::Join,
        };
        self.push(steps, join);
        self.push(steps, say);
        self.push(
            steps,
            Act::Judge {
                tab,
                room,
                verdict,
                about: victim.who,
                for_ms,
            },
        );
        self.push(steps, say);
        if for_ms > 0 {
            let offset_ms = self.dice.pick(&[-1, 0, 0, 1]);
            self.push(steps, Act::Edge { offset_ms });
            for act in [join, say] {
                self.push(steps, act);
                if let Some(step) = steps.last_mut() {
                    step.after_ms = 0;
                }
            }
        }
    }

    fn govern(&mut self, steps: &mut Vec<Step>) {
        let tab = self.crew();
        let room = self.dice.within(3, 5) as u8;
        let which = self.dice.below(10) as u8;
        let what = match self.dice.below(10) {
            0 => Asking::Archive(self.dice.happens(1, 2)),
            1 => Asking::Raid,
            2 => Asking::Resign,
            3 if self.dice.happens(1, 3) => Asking::Delete,
            _ => Asking::Update(which),
        };
        self.push(steps, Act::Ask { tab, room, what });
    }

    fn lie(&mut self, steps: &mut Vec<Step>) {
        const LIES: [Lie; 14] = [
            Lie::Padded,
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
        ];
        let tab = self.tab(HONEST + CREW, PEOPLE.len());
        let lie = self.dice.pick(&LIES);
        let times = self.dice.pick(&[1, 1, 3, 40]);
        self.push(steps, Act::Lie { tab, lie, times });
    }

    fn sever(&mut self, steps: &mut Vec<Step>) {
        let tab = self.anybody();
        if self.dice.happens(1, 2) {
            let for_ms = self.dice.pick(&[500, 5000, 40_000]);
            return self.push(steps, Act::Part { tab, for_ms });
        }
        let bytes = self.dice.below(300) as u16;
        let is_end = self.dice.happens(1, 2);
        self.push(steps, Act::Sever { tab, bytes, is_end });
    }

    fn flood(&mut self, steps: &mut Vec<Step>) {
        const FLOODS: [Flood; 6] = [
            Flood::Silent,
            Flood::HalfHead,
            Flood::BadCredential,
            Flood::NewName,
            Flood::Noise,
            Flood::CutHead,
        ];
        let kind = self.dice.pick(&FLOODS);
        let times = self.dice.pick(&[1, 5, 40]);
        let is_spread = self.dice.happens(1, 2);
        self.push(
            steps,
            Act::Flood {
                kind,
                times,
                is_spread,
            },
        );
    }

    /// Somebody honest speaks as fast as they may, to the moment.
    fn edge(&mut self, steps: &mut Vec<Step>) {
        let tab = self.tab(0, HONEST);
        let tab = Tab { tab: 0, ..tab };
        let room = self.dice.pick(&[0, 1]);
        for _ in 0..self.dice.within(2, 12) {
            for act in [
                Act::Say {
                    tab,
                    room,
                    characters: 12,
                    key: 0,
                },
                Act::Edge { offset_ms: 0 },
            ] {
                self.push(steps, act);
                if let Some(step) = steps.last_mut() {
                    step.after_ms = 0;
                }
            }
        }
    }

    fn stall(&mut self, steps: &mut Vec<Step>) {
        self.push(steps, Act::Stall { is_stalled: true });
        for _ in 0..self.dice.within(1, 8) {
            match self.dice.below(4) {
                0 => self.judge(steps),
                1 => {
                    let times = self.dice.within(1, 3) as u8;
                    let is_busy = self.dice.happens(1, 8);
                    self.push(steps, Act::Answer { times, is_busy });
                }
                2 => self.sanction(steps),
                _ => self.talk(steps),
            }
        }
        if self.dice.happens(1, 8) {
            return self.die(steps);
        }
        self.push(steps, Act::Stall { is_stalled: false });
    }

    fn die(&mut self, steps: &mut Vec<Step>) {
        let committed = self.dice.pick(&[0, 1, 2, 255]);
        let act = if self.dice.happens(1, 5) {
            Act::Stop
        } else {
            Act::Crash { committed }
        };
        self.push(steps, act);
        for _ in 0..self.dice.within(2, 8) {
            self.open(steps);
        }
    }

    fn shift(&mut self, steps: &mut Vec<Step>) {
        let who = self.dice.below(PEOPLE.len() as u64) as u8;
        let act = match self.dice.below(4) {
            0 => Act::Jump {
                by_ms: self.dice.pick(&[-3_600_000, -1, 1, 5000, 3_600_000]),
            },
            1 | 2 => Act::Freeze {
                for_ms: self.dice.pick(&[100, 5000, 100_000]),
            },
            _ => Act::Revoke { who },
        };
        self.push(steps, act);
    }

    fn herd(&mut self, steps: &mut Vec<Step>) {
        if self.dice.happens(1, 3) {
            return self.push(steps, Act::Herd);
        }
        let who = self.dice.below(PEOPLE.len() as u64) as u8;
        for tab in 0..TABS as u8 {
            let tab = Tab { who, tab };
            let manner = Manner::Good;
            self.push(
                steps,
                Act::Open {
                    tab,
                    is_tutorial: false,
                    life_s: 0,
                    manner,
                },
            );
        }
    }
}
