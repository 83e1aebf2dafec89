//! The tree polices itself: rules of this house that no compiler knows. Each test is a rule, and
//! says in one line what breaks it and why it is there.
//!
//! `GATEPOST_UPDATE=1` writes the generated pages instead of comparing them; `make gen` does that.
#![cfg(test)]

#[path = "tidy/contract.rs"]
mod contract;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/rust.rs"]
mod rust;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/tree.rs"]
mod tree;

/// Fails with every fault at once, one a line, and with the reason for the rule.
fn refuse(faults: &[String], why: &str) {
    assert!(faults.is_empty(), "{why}\n\n{}\n", faults.join("\n"));
}
