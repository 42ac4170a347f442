//! Every bound of a run: it hurts no machine but the one it runs on, and that one not for long.

use std::time::Duration;

/// Sockets of attackers open at once.
pub const SOCKETS_MAX: usize = 5000;
/// Descriptors kept for honest people and files.
pub const DESCRIPTORS_RESERVED: usize = 1024;
/// Connections that attackers begin in one tick.
pub const CONNECTS_PER_TICK_MAX: f64 = 64.0;
/// Bytes that wait in one attacker's queue.
pub const QUEUE_BYTES: usize = 64 * 1024;
/// Bytes that one socket writes before the next has a turn.
pub const WRITE_BYTES_PER_TURN: usize = 64 * 1024;
/// What a socket of somebody who means not to read holds at most.
pub const NARROW_BYTES: usize = 4096;
/// Of a response's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Steps that the attackers' niceness is raised by: honest people share their core and must not wait for it, since it is the
/// server that is measured.
pub const ATTACKERS_NICE: i32 = 10;

/// Honest people who talk.
pub const TALKERS: usize = 64;
/// From one message of a talker to the next: below the tutorial's limit and Wardroom's, five in five seconds.
pub const TALK_EVERY: Duration = Duration::from_millis(1100);
/// From one newcomer to the next.
pub const NEWCOMER_EVERY: Duration = Duration::from_millis(100);
/// Every so many newcomers one comes from the attackers' own /24.
pub const NEIGHBOUR_EVERY: u64 = 5;
/// Newcomers who are on their way or leaving, at once.
pub const NEWCOMERS_MAX: usize = 256;
/// A message that is not back by then has failed, and a newcomer who is not in has not got in.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// After they have said goodbye, newcomers are gone at the latest after this.
pub const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);
/// Everybody of the group is in within this time, or nothing is measured.
pub const ASSEMBLY_TIME_MAX: Duration = Duration::from_secs(20);

/// Of the calm, and of the attack.
pub const SECONDS_MAX: u64 = 60;
/// Between two looks at the server's memory.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);
/// An attack ends early when the server holds so much: the machine needs the rest.
pub const RESIDENT_BYTES_MAX: u64 = 4 << 30;
