//! Replicas beside each other, on one PostgreSQL and one Valkey: what one has written binds the
//! others, whatever the bus, the database and the machines do (design, invariants 3, 4 and 7).
#![cfg(test)]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

pub mod servers;

#[path = "cluster/mailbox.rs"]
pub mod mailbox;
#[path = "program/process.rs"]
pub mod process;
#[path = "cluster/proxy.rs"]
pub mod proxy;
#[path = "cluster/replicas.rs"]
pub mod replicas;
#[path = "program/rest.rs"]
pub mod rest;

#[path = "cluster/assertions.rs"]
mod assertions;
#[path = "cluster/bus.rs"]
mod bus;
#[path = "cluster/catch_up.rs"]
mod catch_up;
#[path = "cluster/chaos.rs"]
mod chaos;
#[path = "cluster/cut_off.rs"]
mod cut_off;
#[path = "cluster/devices.rs"]
mod devices;
#[path = "cluster/endings.rs"]
mod endings;
#[path = "cluster/feeding.rs"]
mod feeding;
#[path = "cluster/flood.rs"]
mod flood;
#[path = "cluster/introspection.rs"]
mod introspection;
#[path = "cluster/late_commit.rs"]
mod late_commit;
#[path = "cluster/no_limit.rs"]
mod no_limit;
#[path = "cluster/refresh.rs"]
mod refresh;
#[path = "cluster/revocation.rs"]
mod revocation;
#[path = "cluster/second_factors.rs"]
mod second_factors;
#[path = "cluster/session_endings.rs"]
mod session_endings;
#[path = "cluster/signing_keys.rs"]
mod signing_keys;
#[path = "cluster/start.rs"]
mod start;
#[path = "cluster/suspended.rs"]
mod suspended;
