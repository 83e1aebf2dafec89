//! `gatepost config`: the settings in force.

use std::io::Write;

use anyhow::Result;

use crate::config::Settings;

/// Prints every setting, secrets masked.
pub fn config(settings: &Settings) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in settings.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
