//! The command line.

mod add_provider;
mod bootstrap;
mod config;
mod migrate;
mod reset_password;
mod rotate_keys;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, FILE_VARIABLE, Settings, variable};

/// Gatepost: who is calling, and what may they do?
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, about)]
struct Arguments {
    /// TOML file with settings; the environment is over it.
    #[arg(long, global = true, env = FILE_VARIABLE, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server; the first start makes the database and an administrator.
    Serve {
        /// `authorize` for a sidecar, which decides and does nothing else.
        #[arg(long, value_name = "WHAT")]
        only: Option<String>,
        /// Address of the server that feeds a sidecar.
        #[arg(long, value_name = "URL")]
        upstream: Option<String>,
    },
    /// Bring the database to this version, and do nothing else.
    Migrate,
    /// Publish product manifests from YAML files.
    Bootstrap {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the settings in force, secrets masked.
    Config,
    /// Set a user's password on the database's own machine, when the administrator is lost.
    ResetPassword {
        /// The username.
        #[arg(long, value_name = "NAME")]
        user: String,
        /// Slug of the user's organization, when several have the name.
        #[arg(long, value_name = "SLUG")]
        organization: Option<String>,
    },
    /// Name who carries an organization's messages. Secrets come from standard input: password, key
    /// or token in the first line, what requests are signed with in the second.
    AddProvider(Carrier),
    /// Make the next signing keys, on the database's own machine.
    RotateKeys {
        /// Withdraw the present keys, because somebody may know them: every token ends.
        #[arg(long)]
        immediately: bool,
    },
}

/// Who carries messages.
#[derive(Debug, Args)]
struct Carrier {
    /// Slug of the organization.
    #[arg(long, value_name = "SLUG")]
    organization: String,
    /// What it carries: `mail` or `sms`.
    #[arg(long, value_name = "CHANNEL")]
    channel: String,
    /// Its name, unique in the organization.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where it is, as in `GATEPOST_MAIL_URL` and `GATEPOST_SMS_URL`.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Who messages are from.
    #[arg(long, value_name = "WHO")]
    from: String,
    /// Client id of the one application whose messages it carries; without it, it is the
    /// organization's default.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
}

impl Command {
    /// The settings that stand on the command line.
    fn settings(&self) -> impl Iterator<Item = (String, String)> {
        let given = match self {
            Self::Serve { only, upstream } => [("only", only), ("upstream", upstream)],
            Self::Migrate
            | Self::Bootstrap { .. }
            | Self::Config
            | Self::ResetPassword { .. }
            | Self::AddProvider(_)
            | Self::RotateKeys { .. } => [("only", &None), ("upstream", &None)],
        };
        let given = given.map(|(name, value)| Some((variable(name), value.clone()?)));
        given.into_iter().flatten()
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gatepost: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// What was being done and why it failed, in one line. Causes that their errors repeat are left
/// out.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error
        .chain()
        .map(|cause| cause.to_string().replace('\n', " "))
    {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

fn run(arguments: Arguments) -> Result<()> {
    let environment = std::env::vars().chain(arguments.command.settings());
    let settings = Settings::read(environment, arguments.config.as_deref())?;
    let config = Config::new(&settings)?;
    // Before the first handshake: with more than one provider in the tree rustls would panic.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match arguments.command {
        Command::Serve { .. } => runtime.block_on(serve::serve(config)),
        Command::Migrate => runtime.block_on(migrate::migrate(config)),
        Command::Bootstrap { files } => runtime.block_on(bootstrap::bootstrap(config, files)),
        Command::Config => config::config(&settings),
        Command::ResetPassword { user, organization } => {
            runtime.block_on(reset_password::reset_password(config, user, organization))
        }
        Command::AddProvider(carrier) => {
            runtime.block_on(add_provider::add_provider(config, carrier))
        }
        Command::RotateKeys { immediately } => {
            runtime.block_on(rotate_keys::rotate_keys(config, immediately))
        }
    }
}
