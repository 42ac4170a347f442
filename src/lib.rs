#![forbid(unsafe_code)]
pub mod access;
pub mod config;
pub mod time;
pub mod web;
