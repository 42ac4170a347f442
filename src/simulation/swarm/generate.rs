//! Scripts from seeds, in the manner of swarm testing: each seed takes a random part of everything that can happen, with random weights, so that
//! what hides behind one thing is met where that thing does not happen.

mod stories;

use super::dice::Dice;
use super::script::{
    Act, Asking, Backing, CREW, Fault, Going, HONEST, Manner, PEOPLE, Script, Setup, Step, TABS,
    Tab, Way,
};

/// Kinds of things that happen.
const KINDS: usize = 21;
/// Those that every script has: opening, saying, joining.
const ALWAYS: usize = 3;

const DYING: usize = 17;
/// One world in so many has the real store.
const REAL_STORES_EVERY: u64 = 32;

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

/// The script of a seed: so many minutes, as long as nothing stands still. One in 32 has the real store.
pub fn generate(seed: u64, minutes: u64) -> Script {
    // Of dice of its own, so that it says nothing of what else a seed chooses.
    let is_real = Dice::new(!seed).happens(1, REAL_STORES_EVERY);
    let store = if is_real {
        Backing::Sqlite
    } else {
        Backing::Twin
    };
    generate_over(store, seed, minutes)
}

/// The same with this store.
pub fn generate_over(store: Backing, seed: u64, minutes: u64) -> Script {
    let mut dice = Dice::new(seed);
    let mut weights = [0; KINDS];
    for (kind, weight) in weights.iter_mut().enumerate() {
        let is_chosen = kind < ALWAYS || dice.happens(1, 2);
        *weight = if is_chosen { dice.within(1, 12) } else { 0 };
    }
    // Most of what happens is talk.
    weights[1] += 20;
    // A server that dies all the time has no time for anything else.
    weights[DYING] = match store {
        Backing::Twin => weights[DYING].min(1),
        // Of this store, what it is after that is most of what there is to see.
        Backing::Sqlite => 4,
    };
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
    Script {
        seed,
        setup,
        store,
        steps,
        bytes: Vec::new(),
    }
}

fn setup(dice: &mut Dice) -> Setup {
    Setup {
        messages_burst: dice.pick(&[1, 3, 5, 8]),
        messages_per_ms: dice.pick(&[1000, 3000, 5000]),
        connection_burst: dice.pick(&[0, 0, 1, 3, 7]),
        address_burst: dice.pick(&[0, 0, 2, 6, 11]),
        commands_burst: dice.pick(&[7, 12, 30, 60]),
        connection_kib: dice.pick(&[16, 50, 128]),
        address_kib: dice.pick(&[20, 100, 512]),
        control_burst: dice.pick(&[2, 7, 30]),
        handshakes_burst: dice.pick(&[4, 9, 30]),
        failures_burst: dice.pick(&[2, 5, 10]),
        is_earned: dice.happens(1, 3),
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

    /// One of the crew and a room: mostly the one that is theirs, as each of them makes one first.
    fn crew_of_room(&mut self) -> (Tab, u8) {
        let room = self.dice.within(3, 5) as u8;
        let who = HONEST as u8 + (room - 3);
        let tab = match self.dice.happens(2, 3) {
            true => Tab { who, tab: 0 },
            false => self.crew(),
        };
        (tab, room)
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
                let is_crew = (HONEST..HONEST + CREW).contains(&usize::from(who));
                let is_tutorial = !is_crew && self.dice.happens(1, 3);
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
        for _ in 0..self.dice.below(6) {
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
            19 => self.herd(steps),
            _ => self.press(steps),
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
            if self.dice.happens(1, 8) {
                // Somebody who may be there already asks for what they have missed, in the middle of it.
                let tab = self.anybody();
                let what = Asking::JoinSince;
                self.push(steps, Act::Ask { tab, room, what });
            }
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
}
