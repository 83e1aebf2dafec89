//! Authorize: one file an RPC.

#[expect(
    clippy::module_inception,
    reason = "the RPC has the name of its service"
)]
mod authorize;
mod feeding;
mod get_heads;
mod get_installation;
mod stream_changes;
mod stream_facts;
mod watch_heads;
mod watch_revisions;
