#![forbid(unsafe_code)]
pub mod access;
pub mod config;
pub mod protocol;
pub mod time;
