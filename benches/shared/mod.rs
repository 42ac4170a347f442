//! What more than one benchmark of the running server needs.

pub mod credentials;
pub mod failure;
pub mod frames;
pub mod limits;
pub mod listening;
pub mod machine;
pub mod process;
pub mod readiness;
pub mod upgrade;
