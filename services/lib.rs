//! Gatepost: who is calling, and what may they do?
//!
//! This crate is the program: the three services, the faces through which they are called, and the
//! command line. [`serve::start`] is where it comes together.

mod app;
mod attempts;
mod auth;
mod authorize;
mod bootstrap;
pub mod cli;
pub mod config;
mod context;
mod delivery;
mod door;
mod edge;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
mod given;
mod hexadecimal;
mod housekeeping;
mod identity;
mod manifests;
mod mfa;
mod once;
mod outbound;
mod passkey;
mod password;
mod public_key;
mod redirect;
mod refusals;
mod run;
mod seal;
pub mod serve;
mod source;
mod telemetry;
mod token;

pub use gatepost_replica::clock;
