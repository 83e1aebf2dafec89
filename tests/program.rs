//! The program as its operators see it: a child process, its files, its ports and what it says.
#![cfg(test)]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

pub mod servers;

#[path = "program/process.rs"]
pub mod process;
#[path = "program/rest.rs"]
pub mod rest;

#[path = "program/closing.rs"]
mod closing;
#[path = "program/commands.rs"]
mod commands;
#[path = "program/first_start.rs"]
mod first_start;
#[path = "program/guard.rs"]
mod guard;
#[path = "program/lerian.rs"]
mod lerian;
#[path = "program/mail.rs"]
mod mail;
#[path = "program/refusals.rs"]
mod refusals;
#[path = "program/seeing.rs"]
mod seeing;
#[path = "program/settings.rs"]
mod settings;
#[path = "program/sidecar.rs"]
mod sidecar;
#[path = "program/silent.rs"]
mod silent;
#[path = "program/tls.rs"]
mod tls;
#[path = "program/traces.rs"]
mod traces;
#[path = "program/upstream_tls.rs"]
mod upstream_tls;
