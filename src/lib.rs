#![forbid(unsafe_code)]
pub mod access;
pub mod config;
pub mod hash;
pub mod time;
