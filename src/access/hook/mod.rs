//! The operator's own program says who shows a credential: what it is asked, how its answer is read, what of it is
//! remembered, and when it is not asked any more. Opens no connection, and knows no connection of a client.

pub mod answer;
pub mod breaker;
pub mod cache;
pub mod question;

pub use answer::{Answer, Reply, Silence};
pub use question::Question;
