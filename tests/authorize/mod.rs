//! Authorize: one file an RPC.

#[expect(
    clippy::module_inception,
    reason = "the RPC has the name of its service"
)]
mod authorize;
mod batch_authorize;
mod explain;
mod feeding;
mod get_heads;
mod get_installation;
mod search_actions;
mod search_resources;
mod search_subjects;
mod searching;
mod simulate;
mod step_up;
mod stream_changes;
mod stream_facts;
mod terms;
mod two_ways;
mod watch_heads;
mod watch_revisions;
