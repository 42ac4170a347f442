//! What one attack was like, and what that comes to in figures.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attack::{Attack, Outcome};
use super::attacks;
use super::counters::Counters;
use super::felt::{Arrival, Arrivals, Quantiles, Story};
use super::limits::{self, Evidence, Shown};
use super::reach::{Done, Given};
use super::server::Figures;
use super::swarm::Tally;
use super::verdict::{Finding, Memory, Sign, Starved, Verdict, rehearsed};
use crate::time::Instant;

/// The attack alone.
pub(super) struct Storm {
    pub(super) begin: Instant,
    pub(super) end: Instant,
    pub(super) last: Option<Figures>,
    /// The most memory seen.
    pub(super) peak: u64,
    pub(super) tallies: Vec<Tally>,
    pub(super) height: Option<Counters>,
}

/// The attack, the calm before it, and what the honest tell of both.
pub(super) struct Course {
    pub(super) calm: Instant,
    pub(super) begin: Instant,
    pub(super) end: Instant,
    /// Counters at the beginning and the end of the attack.
    pub(super) before: Option<Counters>,
    pub(super) after: Option<Counters>,
    /// When all attackers were there.
    pub(super) height: Option<Counters>,
    /// When the calm began, when the attack did, and when it ended.
    pub(super) figures: [Option<Figures>; 3],
    /// How long the honest wanted a core and did not have it, in the calm and in the attack.
    pub(super) people_waited: [Duration; 2],
    pub(super) peak: u64,
    /// One for each part of the attack.
    pub(super) tallies: Vec<Tally>,
    pub(super) story: Story,
}

impl Course {
    /// Whether a limit of the attack has said no; `is_asked`: the server is to tell its counters.
    pub(super) fn sign(&self, attack: &Attack, is_asked: bool) -> Sign {
        let counters = (&self.before, &self.height, &self.after);
        let (before, after) = match counters {
            (Some(before), Some(_), Some(after)) => (before, after),
            _ if is_asked => return Sign::NotTold,
            _ if attack.signs.is_empty() => return Sign::Uncounted,
            _ => return Sign::NotAsked,
        };
        let mut signs = attack.signs.iter().copied();
        let has_risen = |counter: &str| after.get(counter) > before.get(counter);
        let is_sign = |sign: &str| has_risen(sign) || has_risen(&limits::in_rehearsal(sign));
        match signs.any(is_sign) {
            true => Sign::Given,
            false if attack.signs.is_empty() => Sign::Uncounted,
            false => Sign::Missing,
        }
    }

    fn done(&self) -> Done {
        let sum = |of: fn(&Tally) -> u64| self.tallies.iter().map(of).sum();
        Done {
            connections: sum(|tally| tally.connections),
            shots: sum(|tally| tally.shots),
            bytes: sum(|tally| tally.bytes),
        }
    }

    /// Each limit of the attack that could not say no, and why.
    fn unreached(
        &self,
        given: &Given<'_>,
        shown: &[(String, Shown)],
    ) -> Vec<(&'static str, String)> {
        let done = self.done();
        let limits = given.attack.limits.iter().copied();
        let limits = limits.filter(|limit| shown.iter().all(|(name, _)| name != limit));
        let why = |limit: &'static str| {
            let measured = || {
                let most = limits::at_height(limit, self.height.as_ref()?)?;
                given
                    .number(limit)
                    .filter(|value| *value > most)
                    .map(|value| {
                        format!(
                            "{limit} = {value}: {most} at the height of it, {value} would be needed"
                        )
                    })
            };
            let beyond = given
                .beyond(limit)
                .or_else(|| given.not_passed(limit, done));
            let why = beyond.or_else(measured).or_else(|| {
                let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
                let others = limits::risen(before, after, given.attack);
                given.others_first(limit, &others)
            });
            Some((limit, why?))
        };
        limits.filter_map(why).collect()
    }

    /// Takes note in `found` of what the attack could not reach.
    pub(super) fn note_unreached(&self, given: &Given<'_>, sign: Sign, found: &mut Finding) {
        let attack = given.attack;
        let shown = found.shown.as_deref().unwrap_or_default();
        found.unreached = self.unreached(given, shown);
        // One of which it is not known why it said nothing should have.
        let is_known = |limit: &str| {
            let is_unreached = found.unreached.iter().any(|(name, _)| *name == limit);
            is_unreached || shown.iter().any(|(name, _)| name == limit)
        };
        // Where the attack goes by counters of limits, it goes by those alone.
        let is_sign = |limit: &str| attack.signs.contains(&&*limits::counter(limit));
        let are_signs = attack.limits.iter().any(|limit| is_sign(limit));
        let all = attack.limits.iter();
        let are_all = all
            .filter(|limit| !are_signs || is_sign(limit))
            .all(|limit| is_known(limit));
        if sign != Sign::Given {
            let first = found.unreached.first().filter(|_| are_all);
            let first = first.map(|(_, why)| why.clone());
            found.not_reached = first.or_else(|| given.hindrance());
        }
        let not_filled = given.not_filled(self.done().connections);
        found.not_reached = not_filled.or_else(|| found.not_reached.take());
    }

    /// How connections ended, where that is to be judged: not of what the settings do not let be what it is meant to be, and of an attack with parts
    /// only what neither it nor the part expects.
    pub(super) fn outcomes(&self, parts: &[Attack], given: &Given<'_>) -> BTreeMap<Outcome, u64> {
        let mut outcomes = BTreeMap::new();
        let are_many = parts.len() > 1;
        for (part, tally) in parts.iter().zip(&self.tallies) {
            // With all of its sockets: fewer are no reason to end otherwise.
            let whole = attacks::all().find(|whole| whole.name == part.name);
            let is_void = given.of(whole.unwrap_or(part)).is_void();
            for (outcome, count) in &tally.outcomes {
                let is_excused = is_void && *outcome != Outcome::Nonsense;
                if !(is_excused || are_many && part.expect.contains(outcome)) {
                    *outcomes.entry(*outcome).or_insert(0) += count;
                }
            }
        }
        outcomes
    }

    fn limited(&self) -> BTreeMap<String, u64> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return BTreeMap::new();
        };
        let of = |family| {
            let rises = after.rises(before, family);
            rises.filter(|(label, _)| !limits::SCOPES.contains(label))
        };
        let enforced = of("limited").map(|(label, rise)| (label.to_owned(), rise));
        let rehearsed = of(limits::REHEARSED).map(|(label, rise)| (rehearsed(label), rise));
        enforced.chain(rehearsed).collect()
    }

    fn shown(
        &self,
        attack: &Attack,
        told: &BTreeMap<String, u64>,
        connections: u64,
    ) -> Option<Vec<(String, Shown)>> {
        let evidence = Evidence {
            before: self.before.as_ref()?,
            height: self.height.as_ref()?,
            after: self.after.as_ref()?,
            told,
            connections,
        };
        Some(limits::shown(attack, &evidence))
    }

    fn cpu_per_connection(&self, connections: u64) -> Option<f64> {
        let cpu = |figures: Option<Figures>| Some(figures?.cpu.as_secs_f64());
        let [first, second, third] = self.figures.map(cpu);
        let calm = (second? - first?) / self.begin.since(self.calm).as_secs_f64();
        let spent = third? - second? - calm * self.end.since(self.begin).as_secs_f64();
        (connections > 0).then(|| spent.max(0.0) * 1e6 / connections as f64)
    }

    /// The part of the time, in percent, that server and honest people waited for a core: in the calm, in the attack.
    fn starved(&self) -> [Starved; 2] {
        let [first, second, third] = self.figures;
        let waited = |from: Option<Figures>, to: Option<Figures>| {
            Some(to?.waited.saturating_sub(from?.waited))
        };
        let [calm, under] = self.people_waited;
        let times = [self.begin.since(self.calm), self.end.since(self.begin)];
        let servers = [waited(first, second), waited(second, third)];
        let [calm_time, time] = times.map(|time| time.as_secs_f64());
        let [calm_server, server] = servers.map(|wait| wait.unwrap_or_default());
        [
            Starved::of(calm_server, calm, calm_time),
            Starved::of(server, under, time),
        ]
    }

    fn memory(&self) -> Option<Memory> {
        let [_, calm, _] = self.figures;
        calm.map(|figures| Memory {
            calm: figures.resident_bytes,
            peak: self.peak,
            peak_max: 0,
            after: self.peak,
        })
    }

    /// Newcomers before the attack; in it those from elsewhere, and those from the attackers' /24.
    fn arrived(&self) -> [Arrivals; 3] {
        let came = self.story.came_within(self.begin, self.end);
        let of = |are_neighbours: bool| {
            let came = came.clone();
            Arrivals::of(came.filter(move |arrival| arrival.is_neighbour == are_neighbours))
        };
        let before = self.story.came_before(self.begin);
        [Arrivals::of(before), of(false), of(true)]
    }

    /// Everything but what comes after the attack, and the verdict, which is not given yet.
    pub(super) fn finding(&self, attack: &Attack) -> Finding {
        let Course {
            calm, begin, end, ..
        } = *self;
        let story = &self.story;
        let (mut outcomes, mut errors) = (BTreeMap::new(), BTreeMap::new());
        for tally in &self.tallies {
            for (outcome, count) in &tally.outcomes {
                *outcomes.entry(outcome.to_string()).or_insert(0) += count;
            }
            for (code, count) in &tally.errors {
                *errors.entry(code.clone()).or_insert(0) += count;
            }
        }
        let connections = self.tallies.iter().map(|tally| tally.connections).sum();
        let shown = self.shown(attack, &errors, connections);
        let (before, under_attack) = (
            story.round_trips(calm, begin),
            story.round_trips(begin, end),
        );
        let [newcomers_calm, newcomers, neighbours] = self.arrived();
        let took = |arrival: &Arrival| arrival.took;
        Finding {
            attack: attack.name,
            what: attack.what,
            limits: attack.limits,
            expected: attack.expect.iter().map(Outcome::to_string).collect(),
            seconds: end.since(begin).as_secs_f64(),
            connections,
            shots: self.tallies.iter().map(|tally| tally.shots).sum(),
            outcomes,
            errors,
            limited: self.limited(),
            shown,
            starved: self.starved(),
            slowdown: under_attack.times(&before),
            calm: before,
            under_attack,
            said: story.said,
            lost: story.lost,
            put_out: story.put_out(calm, end),
            newcomers_calm,
            newcomers,
            neighbours,
            arrival_calm: Quantiles::of(story.came_before(begin).filter_map(took)),
            arrival: Quantiles::of(story.came_within(begin, end).filter_map(took)),
            memory: self.memory(),
            cpu_per_connection_us: self.cpu_per_connection(connections),
            recovered_ms: None,
            verdict: Verdict::Failed,
            not_reached: None,
            unreached: Vec::new(),
            faults: Vec::new(),
            is_only_late: false,
            before: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Setting;
    use super::*;

    fn attack(name: &str) -> &'static Attack {
        attacks::all().find(|one| one.name == name).expect(name)
    }

    /// An attack in which these counters rose, one of `limited` each, and shots without end were fired.
    fn course(rose: &[&str]) -> Course {
        let line = |limit: &&str| format!("wardroom_limited_total{{limit=\"{limit}\"}} 7\n");
        let after = Counters::read(&rose.iter().map(line).collect::<String>());
        let times = Duration::from_secs(2).as_nanos() as u64;
        Course {
            calm: Instant::from_nanos(0),
            begin: Instant::from_nanos(times),
            end: Instant::from_nanos(2 * times),
            before: Some(Counters::default()),
            after: Some(after.clone()),
            height: Some(after),
            figures: [None; 3],
            people_waited: [Duration::ZERO; 2],
            peak: 0,
            tallies: vec![Tally {
                connections: 50,
                shots: 1_000_000,
                ..Tally::default()
            }],
            story: Story::default(),
        }
    }

    /// What is found of an attack in which these said no, with these settings of the operator's.
    fn found(name: &str, rose: &[&str], given: &[(&str, &str)]) -> (Sign, Finding) {
        found_in(&course(rose), name, given)
    }

    fn found_in(course: &Course, name: &str, given: &[(&str, &str)]) -> (Sign, Finding) {
        let attack = attack(name);
        let settings = given.iter().map(|(key, value)| Setting {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            default: None,
        });
        let settings: Vec<Setting> = settings.collect();
        let given = Given {
            settings: &settings,
            attack,
            time: Duration::from_secs(2).max(attack.time_min),
            sockets_max: super::super::bounds::SOCKETS_MAX,
            has_other_room: true,
            exempting: &[],
        };
        let sign = course.sign(attack, true);
        let mut found = course.finding(attack);
        course.note_unreached(&given, sign, &mut found);
        (sign, found)
    }

    #[test]
    fn what_said_no_is_told_as_having_said_it_in_an_attack_that_is_not_reached_too() {
        let few = [("limits.requests_per_connection_max", "5")];
        let (sign, found) = found("never-signs-in", &["requests_per_connection_max"], &few);
        assert_eq!(sign, Sign::Missing);
        assert_eq!(
            found.not_reached.as_deref(),
            Some("limits.requests_per_connection_max = 5 says no first: the attack needs 15")
        );
        let shown = found.shown.expect("counters");
        let names: Vec<&str> = shown.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["limits.requests_per_connection_max"]);
    }

    #[test]
    fn an_attack_that_another_deadline_ended_has_not_reached_its_own() {
        let far = [
            ("limits.unauthenticated_max", "5000"),
            ("deadlines.head", "\"10s\""),
        ];
        let (sign, found) = found("slow-head", &["deadlines.sign_in"], &far);
        assert_eq!(sign, Sign::Missing);
        assert!(found.not_reached.is_some(), "{:?}", found.unreached);
    }

    #[test]
    fn a_limit_that_an_attack_does_not_go_by_is_no_fault_of_it_when_it_says_nothing() {
        let high = [("limits.messages_per_user", "{ burst = 200, per = \"1s\" }")];
        let (_, found) = found("message-flood", &["messages_per_connection"], &high);
        assert_eq!(
            found.not_reached.as_deref(),
            Some("limits.messages_per_user: limits.messages_per_connection said no first")
        );
        let (_, found) = self::found("message-flood", &["messages_per_connection"], &[]);
        assert_eq!(found.not_reached, None, "the defaults are to be reached");
        let few = [("auth.ticket.tickets_per_user_max", "1")];
        let (_, found) = self::found("replayed-ticket", &["tickets_per_user_max"], &few);
        assert_eq!(
            found.not_reached.as_deref(),
            Some(
                "limits.failed_authentications_per_address: auth.ticket.tickets_per_user_max said no first"
            )
        );
    }

    #[test]
    fn bad_tokens_that_are_refused_do_not_show_what_a_full_table_does() {
        let mut course = course(&[]);
        let handshakes = "wardroom_handshakes_total{outcome=\"invalid_credentials\"} 7\n";
        course.after = Some(Counters::read(handshakes));
        let (sign, found) = found_in(&course, "many-networks", &[]);
        assert_eq!(sign, Sign::Given);
        let why = found.not_reached.expect("fifty are few");
        assert!(
            why.starts_with("limits.prefixes_max = 6144: 50 connections"),
            "{why}"
        );
    }

    #[test]
    fn a_server_that_was_asked_for_its_counters_and_told_none_has_given_no_sign() {
        let attack = attack("ping-flood");
        let mut course = course(&["control_frames_per_connection"]);
        assert_eq!(course.sign(attack, true), Sign::Given);
        assert_eq!(
            course.sign(self::attack("presence-storm"), true),
            Sign::Uncounted
        );
        course.after = None;
        assert_eq!(course.sign(attack, true), Sign::NotTold);
        assert_eq!(course.sign(attack, false), Sign::NotAsked);
    }
}
