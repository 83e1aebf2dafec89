//! Authorize: one file an RPC.

#[expect(
    clippy::module_inception,
    reason = "the RPC has the name of its service"
)]
mod authorize;
mod explain;
mod search_actions;
mod search_resources;
mod search_subjects;
mod simulate;
