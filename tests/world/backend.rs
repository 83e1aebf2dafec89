//! What the server of a world stands on.
#![cfg(test)]

use gatepost::config::{Config, Settings};
use tempfile::TempDir;

use super::{Mails, PASSWORD, PUBLIC_URL};
use crate::servers::postgres::{self, PostgresDatabase};
use crate::servers::valkey::Valkey;

/// What the server of a world stands on.
pub(super) struct Backend {
    pub(super) data: TempDir,
    pub(super) database: Option<PostgresDatabase>,
    pub(super) valkey: Option<Valkey>,
    pub(super) mails: Mails,
}

impl Backend {
    pub(super) async fn new() -> Self {
        let cluster = std::env::var("GATEPOST_TEST_BACKEND").is_ok_and(|name| name == "cluster");
        Self {
            data: TempDir::new().unwrap(),
            database: cluster.then(|| postgres::shared().database()),
            valkey: cluster.then(Valkey::start),
            mails: Mails::start().await,
        }
    }

    pub(super) fn dump(&self) -> Option<String> {
        let database = self.database.as_ref()?;
        Some(postgres::shared().dump(&database.name))
    }

    /// The settings of a server on it, with more over them.
    pub(super) fn config(&self, settings: &[(&str, &str)]) -> Config {
        let mut all = vec![
            ("GATEPOST_LISTEN", "127.0.0.1:0".to_owned()),
            ("GATEPOST_PUBLIC_URL", PUBLIC_URL.to_owned()),
            ("GATEPOST_METRICS_LISTEN", "off".to_owned()),
            // A busy machine must not make a test fail.
            ("GATEPOST_STALENESS_BOUND_MS", "10000".to_owned()),
            ("GATEPOST_DATA_DIR", self.data.path().display().to_string()),
            ("GATEPOST_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD.to_owned()),
            ("GATEPOST_MASTER_KEY", "00".repeat(32)),
            ("GATEPOST_MAIL_URL", self.mails.url.clone()),
            ("GATEPOST_MAIL_FROM", "no-reply@gatepost.test".to_owned()),
            ("GATEPOST_MAIL_SECRET", "key".to_owned()),
            ("GATEPOST_FORGOT_PASSWORD", "true".to_owned()),
            ("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "1000000".to_owned()),
        ];
        if let Some(database) = &self.database {
            all.push(("GATEPOST_DATABASE_URL", database.server_url.clone()));
            all.push((
                "GATEPOST_MIGRATION_DATABASE_URL",
                database.owner_url.clone(),
            ));
        }
        if let Some(valkey) = &self.valkey {
            all.push(("GATEPOST_CACHE_URL", valkey.url()));
        }
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let pairs = all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Config::new(&Settings::read(pairs, None).unwrap()).unwrap()
    }
}
