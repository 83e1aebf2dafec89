//! Authorize: one file an RPC.

#[expect(
    clippy::module_inception,
    reason = "the RPC has the name of its service"
)]
mod authorize;
mod terms;
