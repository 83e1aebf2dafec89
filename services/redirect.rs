//! Where a browser may be sent: what may be registered of an application, and what is one of those.

use url::Url;

/// The loopback addresses on which a native application listens, on whichever port is free
/// (RFC 8252 §7.3). Names are none: what `localhost` is, others decide.
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Schemes with a meaning of their own, which no application can claim.
const TAKEN: [&str; 3] = ["http", "https", "javascript"];

/// Whether a browser may be sent there after it is registered: `https`, a native application's own
/// scheme, or a loopback address (RFC 8252 §7); without a fragment (RFC 6749 §3.1.2) and without
/// anybody's name and password in it.
pub fn may_be_registered(uri: &str) -> bool {
    let Some(url) = plain(uri) else {
        return false;
    };
    match url.scheme() {
        "https" => url.host_str().is_some_and(|host| !host.is_empty()),
        "http" => on_loopback(uri).is_some(),
        // A dot makes it somebody's: the name of a domain, backwards (RFC 8252 §7.1).
        scheme => scheme.contains('.') && !TAKEN.contains(&scheme),
    }
}

/// Whether a server may be called there: `https`, or `http` on a loopback address.
pub fn may_be_called(uri: &str) -> bool {
    let url = plain(uri);
    let is_remote = url.is_some_and(|url| url.scheme() == "https" && url.host_str().is_some());
    is_remote || on_loopback(uri).is_some_and(|_| plain(uri).is_some())
}

/// Whether something may be asked for by this name (RFC 8707 §2).
pub fn may_be_a_resource(uri: &str) -> bool {
    plain(uri).is_some()
}

/// An absolute address that every reader reads the same way.
fn plain(uri: &str) -> Option<Url> {
    let is_odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'#' | b'*');
    if uri.bytes().any(is_odd) {
        return None;
    }
    let url = Url::parse(uri).ok()?;
    let is_nobodys = url.username().is_empty() && url.password().is_none();
    let has_at = uri
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?']).next())
        .is_some_and(|authority| authority.contains('@'));
    (is_nobodys && !has_at).then_some(url)
}

/// Whether an address is one of those that are registered: letter by letter, and on a loopback
/// address whatever the port (RFC 9700 §2.1).
pub fn is_registered(registered: &[String], presented: &str) -> bool {
    let portless = on_loopback(presented);
    registered
        .iter()
        .any(|one| one == presented || (portless.is_some() && on_loopback(one) == portless))
}

/// Host and what follows the port, of an address on a loopback address.
fn on_loopback(uri: &str) -> Option<(&'static str, &str)> {
    LOOPBACK.into_iter().find_map(|host| {
        let rest = uri.strip_prefix(host)?;
        let (port, rest) = match rest.strip_prefix(':') {
            Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
            None => ("80", rest),
        };
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0)
            && port.bytes().all(|byte| byte.is_ascii_digit());
        let begins = rest.is_empty() || rest.starts_with(['/', '?']);
        (is_port && begins).then_some((host, rest))
    })
}

/// What a page's policy calls the place that its form may lead to (Content Security Policy §7.2):
/// the origin, or of a native application the scheme.
pub fn source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match url.origin() {
        origin @ url::Origin::Tuple(..) => Some(origin.ascii_serialization()),
        url::Origin::Opaque(_) => Some(format!("{}:", url.scheme())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_application_can_own_is_registered() {
        for good in [
            "https://app.test/cb",
            "https://app.test:8443/cb?a=b",
            "com.example.app:/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:8000/cb",
            "http://[::1]:1/",
        ] {
            assert!(may_be_registered(good), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "//app.test/cb",
            "http://app.test/cb",
            "http://localhost/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.1@evil.test/cb",
            "http://127.0.0.1:80@evil.test/cb",
            "https://user@app.test/cb",
            "https://@app.test/cb",
            "https://app.test/cb#part",
            "https://app.test/cb#",
            "https://*.app.test/cb",
            "https://app.test\\@evil.test/",
            "https://app.test/c b",
            "https://app.test/\u{e9}",
            "javascript:alert(1)",
            "data:text/html,x",
            "app:/cb",
        ] {
            assert!(!may_be_registered(bad), "{bad}");
        }
    }

    #[test]
    fn letter_by_letter_but_for_a_loopback_port() {
        let registered = [
            "https://app.test/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:7/cb",
        ];
        let registered = registered.map(str::to_owned);
        for good in [
            "https://app.test/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:49152/cb",
            "http://[::1]:49152/cb",
        ] {
            assert!(is_registered(&registered, good), "{good}");
        }
        for bad in [
            "",
            "https://app.test/cb/",
            "https://app.test/cb?x=1",
            "https://app.test/cb/../evil",
            "https://app.test/CB",
            "https://app.test:443/cb",
            "https://app.test.evil.test/cb",
            "https://app.test@evil.test/cb",
            "http://127.0.0.1:49152/cb/x",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:49152@evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.2/cb",
            "http://localhost:49152/cb",
            "https://127.0.0.1/cb",
        ] {
            assert!(!is_registered(&registered, bad), "{bad}");
        }
    }

    #[test]
    fn a_policy_names_origins_and_schemes() {
        let cases = [
            ("https://app.test:8443/cb?x=;y", "https://app.test:8443"),
            ("http://127.0.0.1:5/cb", "http://127.0.0.1:5"),
            ("com.example.app:/cb", "com.example.app:"),
        ];
        for (uri, expected) in cases {
            assert_eq!(source(uri).as_deref(), Some(expected));
        }
    }
}
