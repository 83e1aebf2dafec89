//! Where a browser goes on after its person signed in: a path of this issuer, and nothing else.

use gatepost_store::StoreError;
use url::form_urlencoded::byte_serialize;

use super::visit::Visit;
use crate::edge::oauth::Strength;
use crate::gateway::percent;
use crate::redirect;

/// The longest path that is kept, in bytes.
const PATH_BYTES_MAX: usize = 16 << 10;

/// Where it goes on.
#[derive(Debug, Default)]
pub struct Destination {
    /// The path; empty for nowhere.
    pub path: String,
    /// The name of the application that waits there, if one does.
    pub application: String,
    /// Where that will send the browser on to, as a page's policy calls it.
    pub source: Option<String>,
    /// Who is expected, as far as the application knows.
    pub login_hint: String,
    /// Whether the application wants a sign-in with two factors.
    pub wants_two_factors: bool,
    /// The languages that the application wants.
    pub locales: String,
}

impl Destination {
    /// What takes it along in the address of a form.
    pub fn query(&self) -> String {
        if self.path.is_empty() {
            return String::new();
        }
        let path: String = byte_serialize(self.path.as_bytes()).collect();
        format!("?continue={path}")
    }

    /// Reads what a link says. What is no path of this issuer is nowhere.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn read(visit: &Visit, path: &str) -> Result<Self, StoreError> {
        if !is_local(&visit.base, path) {
            return Ok(Self::default());
        }
        let mut destination = Self {
            path: path.to_owned(),
            wants_two_factors: path == format!("{}/passkeys?stronger", visit.base),
            ..Self::default()
        };
        let authorize = format!("{}/oauth/authorize?", visit.base);
        let Some(Ok(pairs)) = path.strip_prefix(&authorize).map(percent::pairs) else {
            return Ok(destination);
        };
        let asked = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let tx = visit.gate.app.store.read(visit.organization.id).await?;
        let known = tx.applications().by_client_id(&asked("client_id")).await?;
        let Some(application) = known else {
            return Ok(destination);
        };
        let redirect_uri = asked("redirect_uri");
        if redirect::is_registered(&application.settings.redirect_uris, &redirect_uri) {
            destination.source = redirect::source(&redirect_uri);
            destination.application = application.name;
            destination.login_hint = asked("login_hint");
            let strength = Strength::of_texts(&asked("acr_values"), &asked("claims"));
            destination.wants_two_factors = strength != Strength::Any;
            destination.locales = asked("ui_locales");
        }
        Ok(destination)
    }
}

/// Whether a path leads nowhere else: no other host, however browsers read it.
fn is_local(base: &str, path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
    let place = path.split('?').next().unwrap_or_default();
    path.len() <= PATH_BYTES_MAX
        && path.bytes().all(is_plain)
        && path
            .strip_prefix(base)
            .is_some_and(|rest| rest.starts_with('/'))
        && !place.contains("//")
        && !place.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/oauth/authorize?redirect_uri=https://app.test/", "/signin"] {
            assert!(is_local("", good), "{good}");
        }
        assert!(is_local("/o/acme", "/o/acme/signin"));
        for bad in [
            "",
            "signin",
            "https://evil.test/",
            "//evil.test/",
            "/\\evil.test/",
            "/\t/evil.test/",
            "/ /evil.test/",
            "/%0d\r\nx",
            "/..//evil.test/",
            "/a//evil.test",
            "/#//evil.test",
            "/\u{e9}",
            "javascript:alert(1)",
        ] {
            assert!(!is_local("", bad), "{bad}");
        }
        for bad in [
            "/signin",
            "/o/acmeevil/signin",
            "/o/acme",
            "/o/acme//evil.test",
        ] {
            assert!(!is_local("/o/acme", bad), "{bad}");
        }
        assert!(!is_local("", &format!("/{}", "a".repeat(PATH_BYTES_MAX))));
    }
}
