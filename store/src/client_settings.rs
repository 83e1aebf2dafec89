//! How people sign in through an application, and which grants it may use.

use serde::{Deserialize, Serialize};

/// A way to come by tokens (RFC 6749 §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code that a browser brings.
    AuthorizationCode,
    /// The application's own.
    ClientCredentials,
    /// A person's password, which the application sees.
    Password,
    /// The next tokens of a session.
    RefreshToken,
}

impl GrantType {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::Password,
        Self::RefreshToken,
    ];

    /// Its name in OAuth.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::Password => "password",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// The grant of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

/// What is set of an application as a client of OAuth. The default is what an application of which
/// nothing was said may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientSettings {
    /// Where a browser may be sent with a code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after it signed out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// What is told of ended sessions; empty for nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub backchannel_logout_uri: String,
    /// The grants that it may use; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types: Vec<GrantType>,
    /// Whether it can keep no secret, and so proves itself with none.
    pub public: bool,
    /// Whether a code may be asked for without a challenge (RFC 7636).
    pub pkce_optional: bool,
    /// Whether a person is asked before it learns of her.
    pub asks_consent: bool,
    /// What its tokens may be asked for (RFC 8707).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Seconds in which a used refresh token still tells its successor; 0 for the installation's.
    pub refresh_grace_seconds: u32,
    /// Seconds for which a refresh token may lie unused; 0 for the installation's.
    pub refresh_idle_seconds: u32,
    /// Seconds after which its sessions end whatever is done with them; 0 for the installation's.
    pub refresh_absolute_seconds: u32,
}

impl ClientSettings {
    /// Whether it may use a grant.
    pub fn allows(&self, grant: GrantType) -> bool {
        self.grant_types.is_empty() || self.grant_types.contains(&grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_every_grant_is_allowed() {
        let mut settings = ClientSettings::default();
        assert!(
            GrantType::ALL
                .into_iter()
                .all(|grant| settings.allows(grant))
        );
        settings.grant_types = vec![GrantType::RefreshToken];
        assert!(settings.allows(GrantType::RefreshToken));
        assert!(!settings.allows(GrantType::Password));
        assert_eq!(GrantType::parse("password"), Some(GrantType::Password));
        assert_eq!(GrantType::parse("implicit"), None);
    }

    #[test]
    fn what_is_not_written_is_as_it_was() {
        let read: ClientSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(read, ClientSettings::default());
        let full = ClientSettings {
            redirect_uris: vec!["https://a.test/cb".into()],
            grant_types: vec![GrantType::AuthorizationCode],
            public: true,
            ..read
        };
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<ClientSettings>(&text).unwrap(), full);
    }
}
