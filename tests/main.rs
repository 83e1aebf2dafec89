//! The contract, from outside: every RPC through the client and over REST, against a real server.
//!
//! `GATEPOST_TEST_BACKEND=cluster` runs the same tests on PostgreSQL and Valkey; the default is
//! SQLite and memory. `make test` does both.
#![cfg(test)]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

pub mod servers;
pub mod world;

mod across;
mod auth;
mod authorize;
mod edge;
mod guard;
mod identity;
mod parity;
