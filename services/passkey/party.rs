//! Who browsers make passkeys for: the host of the public URL.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use url::Url;
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::app::App;
use crate::error::{Error, Result};

/// The relying party (WebAuthn level 3, §4).
#[derive(Debug)]
pub struct RelyingParty {
    /// The library, set up for it.
    pub webauthn: Webauthn,
    /// How long a ceremony may take.
    pub lasts: Duration,
}

impl RelyingParty {
    /// The one of a public URL; none where browsers know no relying party: at an IP address
    /// (WebAuthn level 3, §5.1.3), and without TLS, but for `localhost`.
    pub fn of(public_url: &str, lasts: Duration) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let host = url.domain()?;
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if url.scheme() != "https" && !is_local {
            return None;
        }
        let builder = WebauthnBuilder::new(host, &url).ok()?;
        let webauthn = builder.timeout(lasts).build().ok()?;
        Some(Self { webauthn, lasts })
    }
}

impl App {
    /// The relying party.
    ///
    /// # Errors
    /// `PASSKEYS_UNAVAILABLE` where there can be none.
    pub fn relying_party(&self) -> Result<&RelyingParty> {
        self.passkeys.as_ref().ok_or_else(|| {
            let message =
                "passkeys need a public URL that is `https` and has a name, no IP address";
            Error::new(ErrorReason::PasskeysUnavailable, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_name_or_tls_is_no_relying_party() {
        let can = |url: &str| RelyingParty::of(url, Duration::from_mins(5)).is_some();
        for good in [
            "https://gatepost.test",
            "https://gatepost.test:8443/auth",
            "http://localhost:4000",
            "http://gatepost.localhost",
        ] {
            assert!(can(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:4000",
            "https://192.0.2.1",
            "https://[2001:db8::1]",
            "http://gatepost.test",
            "nonsense",
        ] {
            assert!(!can(bad), "{bad}");
        }
    }
}
