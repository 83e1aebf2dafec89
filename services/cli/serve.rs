//! `gatepost serve`: the server, until it is told to stop.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Clock;
use crate::config::{Config, StorageConfig};
use crate::serve::{Server, start, write_secret};
use crate::telemetry;

/// What a first start says. The commands are meant to be pasted as they are.
const WELCOME: &str = include_str!("welcome.txt");
const PASSWORD_FILE: &str = "initial-password";

/// Serves.
pub async fn serve(config: Config) -> Result<()> {
    let _telemetry = telemetry::start(&config.telemetry)?;
    serve_metrics(&config).await?;
    // Before the port is open: whoever can reach it may end it, and it ends well.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut server = tokio::select! {
        started = start(&config, Clock::System) => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    tracing::info!(address = %server.address, public_url = server.public_url, "gatepost is up");
    welcome(&server, &config)?;
    tokio::select! {
        ended = server.ended() => return ended,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("closing");
    server.close().await?;
    tracing::info!("closed");
    Ok(())
}

/// Serves `/metrics` on a port of its own, which need not be open to anybody else.
async fn serve_metrics(config: &Config) -> Result<()> {
    let Some(address) = config.metrics_listen else {
        return Ok(());
    };
    let counters = telemetry::count()?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (GATEPOST_METRICS_LISTEN)"))?;
    let router = Router::new().route("/metrics", get(move || async move { counters.render() }));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics are not served any more");
        }
    });
    Ok(())
}

/// After a first start: who the administrator is, and three commands to try.
fn welcome(server: &Server, config: &Config) -> Result<()> {
    let Some(first) = &server.first else {
        return Ok(());
    };
    let mut out = std::io::stdout();
    let password = match &first.password {
        None => "$PASSWORD".to_owned(),
        Some(password) if out.is_terminal() => password.expose_secret().to_owned(),
        Some(password) => keep(&config.storage, password.expose_secret())?,
    };
    let text = WELCOME
        .replace("{url}", &server.public_url)
        .replace("{username}", &first.username)
        .replace("{password}", &password);
    Ok(out.write_all(text.as_bytes())?)
}

/// Keeps the password in a file when nobody sits at a terminal; answers how a shell reads it.
fn keep(storage: &StorageConfig, password: &str) -> Result<String> {
    let path = storage.data_dir.join(PASSWORD_FILE);
    // The password of another installation, whose folder this was, opens nothing here.
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    // One of an earlier start that is still there was told, and should have been changed.
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    write_secret(&path, password)?;
    tracing::info!(path = %path.display(), "the administrator's first password is in this file");
    Ok(format!("$(cat '{}')", path.display()))
}
