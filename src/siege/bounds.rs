//! Every bound of a siege: it hurts no machine but the one it runs on, and that one not for long.

use std::time::Duration;

/// So often an attack is made at most of which nothing but time was at fault: what a machine does by chance it does not do three times.
pub(super) const TRIES_MAX: u8 = 3;
/// From the number of an attack's /24 in one try to that in the next: none of them is another attack's.
pub(super) const NETWORKS_BETWEEN_TRIES: u8 = 80;
/// So many times everything is made to see what stays, and so many times again: it is an eighth of each attack, so that each has been made once then.
pub(super) const ROUNDS: u8 = 8;
/// Bytes that a round may leave at rest, ten pages: the heap's pages are filled otherwise each time, so that two rests differ by some of them.
pub(super) const LEFT_BYTES_PER_ROUND_MAX: u64 = 40 * 1024;
/// How long nobody is there before memory is at rest: what is remembered of those who have gone is forgotten within ten seconds, and what lay
/// with it is given back within ten more.
pub(super) const REST_TIME: Duration = Duration::from_secs(20);
/// Sockets of attackers open at once.
pub(super) const SOCKETS_MAX: usize = 5000;
/// Descriptors kept for honest people, files and the child.
pub(super) const DESCRIPTORS_RESERVED: usize = 512;
/// Sockets of attackers without which no attack is worth the name.
pub(super) const SOCKETS_MIN: usize = 128;
/// Connections that attackers open in a second.
pub(super) const CONNECTS_PER_SECOND_MAX: u32 = 10_000;
/// Seconds of one attack.
pub const SECONDS_MAX: u64 = 60;
/// Bytes that wait in one attacker's queue: enough to fill a socket's buffer without asking for more each time.
pub(super) const QUEUE_BYTES: usize = 64 * 1024;
/// Bytes that one attacker writes before the next has a turn.
pub(super) const WRITE_BYTES_PER_TURN: usize = 64 * 1024;
/// Bytes of one answer that are kept to read it. The server's longest is a page of a list.
pub(super) const INBOX_BYTES_MAX: usize = 1024 * 1024;
/// Tokens that attackers sign and keep.
pub(super) const USERS_MAX: u32 = 1000;
/// Words of errors that are told apart.
pub(super) const ERROR_WORDS_MAX: usize = 32;
/// Attackers who shoot before honest people, who share their core, may look at what came.
pub(super) const SHOTS_BEFORE_OTHERS: usize = 8;
/// Steps that the attackers' niceness is raised by: they have a core to share with honest people, who must not wait for
/// it to measure the server.
pub(super) const ATTACKERS_NICE: i32 = 10;

/// Honest people who talk.
pub(super) const TALKERS: usize = 40;
/// From one message of a talker to the next: within the default limits, with room.
pub(super) const TALK_EVERY: Duration = Duration::from_millis(1250);
/// From one question for the time of a talker to the next: a round trip without anybody else.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(250);
/// The longest these may be where limits are low: what is heard less often than that tells nothing.
pub(super) const TALK_EVERY_MAX: Duration = Duration::from_secs(20);
/// Shorter than what attacks make of `deadlines.idle` and `deadlines.first_message`, which are not for honest people.
pub(super) const ASK_EVERY_MAX: Duration = Duration::from_secs(2);
/// From one newcomer to the next.
pub(super) const NEWCOMER_EVERY: Duration = Duration::from_millis(100);
/// Every so many newcomers one comes from the attackers' own /24.
pub(super) const NEIGHBOUR_EVERY: u64 = 5;
/// Newcomers who are on their way or leaving, at once.
pub(super) const NEWCOMERS_MAX: usize = 256;
/// How long what was said may be on its way before it counts as lost.
pub(super) const DELIVERY_TIME_MAX: Duration = Duration::from_secs(5);

/// From the start of the child to its address.
pub(super) const START_TIME_MAX: Duration = Duration::from_secs(20);
/// From the wish that the child ends to its end.
pub(super) const STOP_TIME_MAX: Duration = Duration::from_secs(12);
/// One look whether somebody listens.
pub(super) const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// One request for counters or a ticket.
pub(super) const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of one answer to such a request.
pub(super) const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Between two looks at the server's memory.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// After an attack everything must be as before within this time.
pub(super) const RECOVERY_TIME_MAX: Duration = Duration::from_secs(10);
/// A newcomer is in, and has heard their own first message, within this time.
pub(super) const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(2);
/// Of newcomers from the attackers' own /24 so many in a hundred get in.
pub(super) const NEIGHBOURS_IN_PERCENT_MIN: usize = 95;
/// What a process holds beside what `memory` bounds: code, stacks, the store and its pages, what the allocator keeps.
pub(super) const MEMORY_BESIDE_BUDGET_BYTES: u64 = 24 * 1024 * 1024;
