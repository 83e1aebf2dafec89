//! Gatepost: who is calling, and what may they do?
//!
//! This crate is the program: the three services, the faces through which they are called, and the
//! command line. [`serve::start`] is where it comes together.

mod app;
mod auth;
mod authorize;
mod bootstrap;
pub mod cli;
pub mod clock;
pub mod config;
mod context;
mod door;
mod error;
pub mod gateway;
mod hexadecimal;
mod housekeeping;
mod identity;
mod manifests;
mod password;
mod run;
mod seal;
pub mod serve;
mod snapshots;
mod telemetry;
mod token;
