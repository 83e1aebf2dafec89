//! Guards in front of a product, over HTTP and gRPC: one scenario, two faces.

mod answers;
mod product;
mod questions;
mod trouble;
mod wire;

use std::time::Duration;

use gatepost_client::Client;
use gatepost_client::guard::Guard;

use crate::world::World;

/// A deadline that no busy machine misses, where the deadline is not what is tested.
const PATIENCE: Duration = Duration::from_secs(20);

/// A guard of midaz that asks the server of this world.
fn guard(world: &World) -> Guard {
    guard_at(&world.url(""))
}

/// A guard of midaz that asks whoever is there.
fn guard_at(url: &str) -> Guard {
    Guard::new(Client::lazy(url).unwrap(), "midaz").deadline(PATIENCE)
}
