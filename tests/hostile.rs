//! Whoever means harm: bad input, forged tokens, guessed passwords, foreign tenants, and
//! administrators who want more than they have.
//!
//! Everything runs against a server in this process, with bounded effort.
#![cfg(test)]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

pub mod servers;
pub mod world;

#[path = "edge/browser.rs"]
pub mod browser;

#[path = "hostile/at_rest.rs"]
mod at_rest;
#[path = "hostile/audited.rs"]
mod audited;
#[path = "hostile/bad_input.rs"]
mod bad_input;
#[path = "hostile/calls.rs"]
mod calls;
#[path = "hostile/devices.rs"]
mod devices;
#[path = "hostile/escalation.rs"]
mod escalation;
#[path = "hostile/every_field.rs"]
mod every_field;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/forge.rs"]
mod forge;
#[path = "hostile/forms.rs"]
mod forms;
#[path = "hostile/garbage.rs"]
mod garbage;
#[path = "hostile/headers.rs"]
mod headers;
#[path = "hostile/installation.rs"]
mod installation;
#[path = "hostile/mails.rs"]
mod mails;
#[path = "hostile/names.rs"]
mod names;
#[path = "hostile/nested.rs"]
mod nested;
#[path = "hostile/panics.rs"]
mod panics;
#[path = "hostile/questions.rs"]
mod questions;
#[path = "hostile/sign_in.rs"]
mod sign_in;
#[path = "hostile/takeover.rs"]
mod takeover;
#[path = "hostile/tenancy.rs"]
mod tenancy;
#[path = "hostile/terms.rs"]
mod terms;
#[path = "hostile/tokens.rs"]
mod tokens;
#[path = "hostile/two.rs"]
mod two;
#[path = "hostile/wire.rs"]
mod wire;
