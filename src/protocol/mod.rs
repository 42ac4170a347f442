//! Bytes to types and back. No state beyond a scanner's place, no clock, no policy.

pub mod head;
pub mod response;
pub mod upgrade;
