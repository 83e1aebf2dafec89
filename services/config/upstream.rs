//! The settings of a sidecar: who feeds it, and with what.

use gatepost_core::OrganizationId;
use gatepost_replica::{RemoteConfig, UpstreamConfig};

use super::{ConfigError, Reader};

/// Products in one question to the upstream server.
const PRODUCTS_MAX: usize = 100;

impl Reader<'_> {
    /// Who feeds this server, if it is a sidecar.
    pub(super) fn upstream(&self) -> Result<Option<RemoteConfig>, ConfigError> {
        let is_sidecar = match self.settings.text("only") {
            Some("all") => false,
            Some("authorize") => true,
            _ => return Err(Self::bad("only", "must be `all` or `authorize`")),
        };
        match (is_sidecar, self.settings.text("upstream")) {
            (false, None) => Ok(None),
            (false, Some(_)) => Err(Self::bad(
                "upstream",
                "goes with GATEPOST_ONLY=authorize (`serve --only authorize`)",
            )),
            (true, None) => Err(Self::bad(
                "upstream",
                "is needed: the address of the server that feeds this one",
            )),
            (true, Some(url)) => self.sidecar(url).map(Some),
        }
    }

    fn sidecar(&self, url: &str) -> Result<RemoteConfig, ConfigError> {
        let needed = |name| {
            let text = self.settings.text(name).map(str::to_owned);
            text.ok_or_else(|| Self::bad(name, "is needed by a sidecar"))
        };
        let secret =
            self.secret_or_file("upstream_client_secret", "upstream_client_secret_file")?;
        let products: Vec<String> = self.list("upstream_products")?;
        if products.is_empty() || products.len() > PRODUCTS_MAX {
            let why = format!("a sidecar needs 1 to {PRODUCTS_MAX} products, separated by commas");
            return Err(Self::bad("upstream_products", why));
        }
        let organizations: Vec<OrganizationId> = self.list("upstream_organizations")?;
        Ok(RemoteConfig {
            upstream: UpstreamConfig {
                authorities: self.authorities(url)?,
                url: url.to_owned(),
                client_id: needed("upstream_client_id")?,
                client_secret: secret
                    .ok_or_else(|| Self::bad("upstream_client_secret", "is needed by a sidecar"))?,
                products,
            },
            organizations,
            bound: self.bound()?,
            budget_bytes: self.budget_bytes()?,
        })
    }

    /// The certificates that vouch for the upstream server.
    fn authorities(&self, url: &str) -> Result<Option<String>, ConfigError> {
        let path = self.settings.text("upstream_ca_file");
        match (url.starts_with("https://"), path) {
            (true, Some(path)) => std::fs::read_to_string(path)
                .map(Some)
                .map_err(|error| Self::bad("upstream_ca_file", format!("`{path}`: {error}"))),
            (true, None) => Err(Self::bad(
                "upstream_ca_file",
                "is needed for https: the PEM file of who vouches for the upstream server",
            )),
            (false, Some(_)) if url.starts_with("http://") => Err(Self::bad(
                "upstream_ca_file",
                "goes with an https upstream: over http nobody is vouched for",
            )),
            (false, None) if url.starts_with("http://") => Ok(None),
            (false, _) => Err(Self::bad(
                "upstream",
                format!("`{url}`: must be http or https"),
            )),
        }
    }
}
