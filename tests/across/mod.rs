//! What is promised of many RPCs at once.

mod ended;
mod escalation;
mod idempotency;
mod lists;
mod local;
mod requests;
mod revisions;
mod tokens;
