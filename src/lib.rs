#![forbid(unsafe_code)]
pub mod access;
pub mod cli;
pub mod config;
pub mod time;
