//! Things that belong together, and what goes wrong around them.

use super::Swarm;
use crate::simulation::swarm::script::{
    Act, Asking, CREW, Flood, Going, HONEST, Lie, Manner, PEOPLE, Step, TABS, Tab, Verdict,
};

impl Swarm {
    /// One of the crew makes a room, and people come.
    pub(super) fn found(&mut self, steps: &mut Vec<Step>) {
        let (tab, room) = self.crew_of_room();
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

    pub(super) fn judge(&mut self, steps: &mut Vec<Step>) {
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
        let (tab, room) = self.crew_of_room();
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

    /// Somebody has the chat open twice, and is in a room with both.
    fn second_tab(&mut self, steps: &mut Vec<Step>, who: u8, room: u8) {
        let tab = Tab { who, tab: 1 };
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
        let what = Asking::Join;
        self.push(steps, Act::Ask { tab, room, what });
    }

    /// Somebody says something in a room, and comes in first if they are not there.
    fn speak_up(&mut self, steps: &mut Vec<Step>, tab: Tab, room: u8) {
        let what = Asking::Join;
        self.push(steps, Act::Ask { tab, room, what });
        self.push(
            steps,
            Act::Say {
                tab,
                room,
                characters: 200,
                key: 0,
            },
        );
    }

    /// Somebody is there, is put out or quieted for a time, and tries at the very moment at which that ends.
    pub(super) fn sanction(&mut self, steps: &mut Vec<Step>) {
        let (tab, room) = self.crew_of_room();
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
        if self.dice.happens(1, 2) {
            self.second_tab(steps, victim.who, room);
        }
        self.push(steps, say);
        if self.dice.happens(1, 2) {
            self.push(
                steps,
                Act::Take {
                    tab: victim,
                    bytes: 0,
                },
            );
            self.speak_up(steps, tab, room);
            self.speak_up(steps, tab, room);
        }
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
        self.speak_up(steps, tab, room);
        self.push(
            steps,
            Act::Take {
                tab: victim,
                bytes: u32::MAX,
            },
        );
        if for_ms > 0 {
            self.try_at_its_end(steps, [join, say]);
        }
    }

    fn try_at_its_end(&mut self, steps: &mut Vec<Step>, acts: [Act; 2]) {
        let offset_ms = self.dice.pick(&[-1, 0, 0, 1]);
        self.push(steps, Act::Expiry { offset_ms });
        for act in acts {
            self.push(steps, act);
            if let Some(step) = steps.last_mut() {
                step.after_ms = 0;
            }
        }
    }

    pub(super) fn govern(&mut self, steps: &mut Vec<Step>) {
        if self.dice.happens(1, 4) {
            return self.rush(steps);
        }
        let (tab, room) = self.crew_of_room();
        let which = self.dice.below(10) as u8;
        let what = match self.dice.below(10) {
            0 => Asking::Archive(self.dice.happens(1, 2)),
            1 => Asking::Raid,
            2 => Asking::Resign,
            3 if self.dice.happens(1, 3) => Asking::Delete,
            _ => Asking::Update(which),
        };
        self.push(steps, Act::Ask { tab, room, what });
        self.speak_up(steps, tab, room);
    }

    pub(super) fn lie(&mut self, steps: &mut Vec<Step>) {
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

    /// Somebody does as much as they may of one thing, or more.
    pub(super) fn press(&mut self, steps: &mut Vec<Step>) {
        let tab = self.anybody();
        let tab = Tab { tab: 0, ..tab };
        let manner = Manner::Good;
        let open = Act::Open {
            tab,
            is_tutorial: false,
            life_s: 0,
            manner,
        };
        let fill = Act::Ask {
            tab,
            room: 0,
            what: Asking::Fill,
        };
        let padded = Act::Lie {
            tab,
            lie: Lie::Padded,
            times: 4,
        };
        let is_hostile = usize::from(tab.who) >= HONEST + CREW;
        let ping = Act::Ask {
            tab,
            room: 0,
            what: Asking::Ping,
        };
        let how = Going::Reset;
        let acts: &[Act] = match self.dice.below(5) {
            0 => &[Act::Beat { tab }],
            1 if is_hostile => &[padded],
            1 => &[fill],
            2 => &[Act::Mistake { who: tab.who }],
            3 => &[ping],
            _ => &[Act::Go { tab, how }, open],
        };
        let waits = self.dice.happens(1, 2);
        let times = if waits { [2, 5, 12] } else { [5, 12, 40] };
        for _ in 0..self.dice.pick(&times) {
            for act in acts {
                self.push(steps, *act);
                if let Some(step) = steps.last_mut() {
                    step.after_ms = 0;
                }
            }
            if waits {
                self.push(steps, Act::Edge { offset_ms: 0 });
            }
        }
    }

    pub(super) fn sever(&mut self, steps: &mut Vec<Step>) {
        let tab = self.anybody();
        if self.dice.happens(1, 2) {
            let for_ms = self.dice.pick(&[500, 5000, 40_000]);
            return self.push(steps, Act::Part { tab, for_ms });
        }
        let bytes = self.dice.below(300) as u16;
        let is_end = self.dice.happens(1, 2);
        self.push(steps, Act::Sever { tab, bytes, is_end });
    }

    pub(super) fn flood(&mut self, steps: &mut Vec<Step>) {
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
    pub(super) fn edge(&mut self, steps: &mut Vec<Step>) {
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

    pub(super) fn stall(&mut self, steps: &mut Vec<Step>) {
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

    pub(super) fn die(&mut self, steps: &mut Vec<Step>) {
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

    /// Somebody's credentials are taken back while something waits for them.
    fn take_back(&mut self, steps: &mut Vec<Step>) {
        let who = self.dice.below(PEOPLE.len() as u64) as u8;
        let tab = Tab { who, tab: 0 };
        self.push(steps, Act::Take { tab, bytes: 0 });
        let speaker = self.anybody();
        self.speak_up(steps, speaker, 0);
        self.push(steps, Act::Revoke { who });
        let bytes = u32::MAX;
        self.push(steps, Act::Take { tab, bytes });
    }

    /// Somebody honest runs into the limits of a room, and goes on elsewhere with what is left of their own.
    fn rush(&mut self, steps: &mut Vec<Step>) {
        let (owner, room) = self.crew_of_room();
        let tab = self.tab(0, HONEST);
        let tab = Tab { tab: 0, ..tab };
        let what = Asking::Update(0);
        self.push(
            steps,
            Act::Ask {
                tab: owner,
                room,
                what,
            },
        );
        let what = Asking::Join;
        self.push(steps, Act::Ask { tab, room, what });
        for room in [room, room, room, 0, 0, 0, 0] {
            let say = Act::Say {
                tab,
                room,
                characters: 12,
                key: 0,
            };
            self.push(steps, say);
            if let Some(step) = steps.last_mut() {
                (step.after_ms, step.is_joined) = (0, false);
            }
        }
    }

    pub(super) fn shift(&mut self, steps: &mut Vec<Step>) {
        if self.dice.happens(1, 4) {
            return self.take_back(steps);
        }
        let act = match self.dice.below(3) {
            0 => Act::Jump {
                by_ms: self.dice.pick(&[-3_600_000, -1, 1, 5000, 3_600_000]),
            },
            _ => Act::Freeze {
                for_ms: self.dice.pick(&[100, 5000, 100_000]),
            },
        };
        self.push(steps, act);
    }

    pub(super) fn herd(&mut self, steps: &mut Vec<Step>) {
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
