//! What is wanted of the person, and what for.

use gatepost_core::mfa::{ACR_TWO_FACTORS, acr_of};
use gatepost_store::{ClientSettings, GrantType};
use serde_json::Value;
use time::OffsetDateTime;

use super::party::Denial;
use super::strength::Strength;
use crate::auth::{Browser, narrowed, person_scope};
use crate::edge::oauth::form::Form;
use crate::token::is_challenge;

/// Our own parameter: the second from which on signing in counts. It stands in for `prompt=login`
/// and `max_age` on the way back from there. Who takes it out of the address could as well have
/// taken those out.
pub const SIGNED_IN_AFTER: &str = "signed_in_after";

/// The longest `nonce`, in bytes.
const NONCE_BYTES_MAX: usize = 512;
/// How many resources may be asked for at once.
const RESOURCES_MAX: usize = 5;
/// What may be asked for by name (OpenID Connect Core §5.5).
pub const CLAIMS: [&str; 4] = ["name", "preferred_username", "email", "email_verified"];

/// What the person is to be asked, whatever is known of her (OpenID Connect Core §3.1.2.1).
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word that is there or not"
)]
#[derive(Debug, Default)]
pub struct Prompt {
    /// Nothing at all.
    pub is_silent: bool,
    /// Whether she consents.
    pub asks_consent: bool,
    /// Whether she goes on as who she is, or as somebody else.
    pub selects: bool,
    /// To sign in although she is signed in.
    signs_in: bool,
}

/// What is wanted.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The scopes, separated by spaces.
    pub scope: String,
    /// The challenge of the code; empty without.
    pub challenge: String,
    /// What the ID token is to repeat.
    pub nonce: String,
    /// What the tokens are to be for.
    pub resources: Vec<String>,
    /// Single members, with their place before them.
    pub claims: Vec<String>,
    /// What she is to be asked.
    pub prompt: Prompt,
    /// Whose answer it must be; empty for anybody's.
    pub subject: String,
    /// How strong a sign-in.
    strength: Strength,
    /// How many seconds ago she may have signed in.
    max_age: Option<i64>,
    /// The second from which on signing in counts.
    after: Option<i64>,
}

impl Wanted {
    /// Reads what is wanted.
    ///
    /// # Errors
    /// What the application is told.
    pub fn read(settings: &ClientSettings, form: &Form) -> Result<Self, Denial> {
        refuse_unsupported(settings, form)?;
        let mut wanted = Self {
            scope: person_scope(form.get("scope"), None),
            challenge: challenge(settings, form)?,
            nonce: form.get("nonce").to_owned(),
            resources: resources(settings, form)?,
            max_age: number(form, "max_age")?,
            after: number(form, SIGNED_IN_AFTER)?,
            ..Self::default()
        };
        if wanted.nonce.len() > NONCE_BYTES_MAX {
            return Err(Denial::new("invalid_request", "`nonce` is too long"));
        }
        wanted.read_prompt(form.get("prompt"))?;
        let claims = read_object("claims", form.get("claims"))?;
        wanted.read_claims(&claims);
        let strength = Strength::read(form.get("acr_values"), &claims);
        wanted.strength = strength.map_err(|_| unmet())?;
        Ok(wanted)
    }

    /// Whether who is signed in with a browser is who is wanted, and did so recently enough.
    pub fn is_met_by(&self, browser: &Browser, now: OffsetDateTime) -> bool {
        let at = browser.session.signed_in_at.unix_timestamp();
        let is_recent = self
            .max_age
            .is_none_or(|age| now.unix_timestamp() - at <= age);
        let is_after = self.after.is_none_or(|after| at >= after);
        let is_she = self.subject.is_empty() || self.subject == browser.user.id.to_string();
        let is_as_strong = match self.strength {
            Strength::Any => true,
            // The sign-in page has heard it, too.
            Strength::Wished if self.after.is_some() => true,
            Strength::Wished | Strength::Demanded => {
                acr_of(&browser.session.methods) == ACR_TWO_FACTORS
            }
        };
        !self.prompt.signs_in && is_recent && is_after && is_she && is_as_strong
    }

    /// Why there is no answer though she just signed in: somebody else is wanted, or a stronger
    /// sign-in than there was. To ask again would never end.
    pub fn in_vain(&self, browser: &Browser) -> Option<Denial> {
        let at = browser.session.signed_in_at.unix_timestamp();
        if self.after? > at {
            return None;
        }
        if self.strength == Strength::Demanded {
            return Some(unmet());
        }
        let message = "the person must sign in";
        (!self.subject.is_empty()).then(|| Denial::new("login_required", message))
    }

    /// Whether the application learns what a scope tells, all of it or a part.
    pub fn learns(&self, scope: &str) -> bool {
        let members: &[&str] = match scope {
            "profile" => &["name", "preferred_username"],
            "email" => &["email", "email_verified"],
            _ => &[],
        };
        let asked = |claim: &String| {
            members
                .iter()
                .any(|member| claim.ends_with(&format!(".{member}")))
        };
        self.scope.split(' ').any(|one| one == scope) || self.claims.iter().any(asked)
    }

    /// OpenID Connect Core §3.1.2.1.
    fn read_prompt(&mut self, prompt: &str) -> Result<(), Denial> {
        for word in prompt.split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => self.prompt.is_silent = true,
                "login" => self.prompt.signs_in = true,
                "select_account" => self.prompt.selects = true,
                "consent" => self.prompt.asks_consent = true,
                _ => return Err(Denial::new("invalid_request", "`prompt` is unknown")),
            }
        }
        let asks = self.prompt.signs_in || self.prompt.asks_consent || self.prompt.selects;
        if self.prompt.is_silent && asks {
            let message = "`prompt` cannot be `none` and something else";
            return Err(Denial::new("invalid_request", message));
        }
        Ok(())
    }

    /// OpenID Connect Core §5.5. What is unknown is skipped; `essential` changes nothing but for
    /// `acr`: what may be told is told.
    fn read_claims(&mut self, asked: &Value) {
        for place in ["id_token", "userinfo"] {
            let Some(members) = asked.get(place).and_then(Value::as_object) else {
                continue;
            };
            let known = CLAIMS.iter().filter(|name| members.contains_key(**name));
            self.claims
                .extend(known.map(|name| format!("{place}.{name}")));
            if let Some(Value::String(subject)) =
                members.get("sub").and_then(|sub| sub.get("value"))
            {
                self.subject.clone_from(subject);
            }
        }
    }
}

/// A demand that is not met is a sign-in that failed (OpenID Connect Core §5.5.1.1).
fn unmet() -> Denial {
    let message = "there is no sign-in with an `acr` that is demanded";
    Denial::new("unmet_authentication_requirements", message)
}

/// A parameter that is an object of JSON; `Null` without.
fn read_object(name: &str, text: &str) -> Result<Value, Denial> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let read = serde_json::from_str(text).ok().filter(Value::is_object);
    let message = format!("`{name}` is no object of JSON");
    read.ok_or_else(|| Denial::new("invalid_request", message))
}

fn refuse_unsupported(settings: &ClientSettings, form: &Form) -> Result<(), Denial> {
    let refused = [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ];
    if let Some((name, code)) = refused
        .into_iter()
        .find(|(name, _)| !form.get(name).is_empty())
    {
        return Err(Denial::new(code, format!("`{name}` is not supported")));
    }
    if !settings.allows(GrantType::AuthorizationCode) {
        let message = "the application may not ask for codes";
        return Err(Denial::new("unauthorized_client", message));
    }
    match form.get("response_type") {
        "code" => {}
        "" => return Err(Denial::new("invalid_request", "`response_type` is missing")),
        _ => {
            let message = "`response_type` must be `code`";
            return Err(Denial::new("unsupported_response_type", message));
        }
    }
    match form.get("response_mode") {
        "" | "query" | "fragment" | "form_post" => Ok(()),
        _ => Err(Denial::new("invalid_request", "`response_mode` is unknown")),
    }
}

/// `S256` and nothing else: without a method it would be `plain`, which protects nothing from who
/// sees the request (RFC 9700 §2.1.1).
fn challenge(settings: &ClientSettings, form: &Form) -> Result<String, Denial> {
    let (challenge, method) = (
        form.get("code_challenge"),
        form.get("code_challenge_method"),
    );
    if challenge.is_empty() && method.is_empty() && settings.pkce_optional {
        return Ok(String::new());
    }
    if method != "S256" || !is_challenge(challenge) {
        let message = "`code_challenge` must be there, and `code_challenge_method` be `S256`";
        return Err(Denial::new("invalid_request", message));
    }
    Ok(challenge.to_owned())
}

fn resources(settings: &ClientSettings, form: &Form) -> Result<Vec<String>, Denial> {
    let asked = form.all("resource");
    let resources = narrowed(&asked, &[], settings);
    match resources {
        Ok(resources) if resources.len() <= RESOURCES_MAX => Ok(resources),
        Ok(_) => Err(Denial::new(
            "invalid_target",
            "there are too many `resource`s",
        )),
        Err(error) => Err(Denial::new("invalid_target", error.message())),
    }
}

fn number(form: &Form, name: &str) -> Result<Option<i64>, Denial> {
    let text = form.get(name);
    if text.is_empty() {
        return Ok(None);
    }
    let number: Option<u32> = text.parse().ok();
    let malformed = || {
        Denial::new(
            "invalid_request",
            format!("`{name}` is no number of seconds"),
        )
    };
    Ok(Some(number.ok_or_else(malformed)?.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(pairs: &[(&str, &str)]) -> Result<Wanted, Denial> {
        let usual = [
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(usual.iter().chain(pairs));
        let form = Form::of_query(&query.finish()).unwrap();
        Wanted::read(&ClientSettings::default(), &form)
    }

    proptest! {
        /// Whatever is asked, nobody gets more than there is, and nothing breaks.
        #[test]
        fn only_what_there_is_is_granted(
            scope in "[a-z ]{0,40}|openid [a-z ]{0,20}",
            prompt in "(none|login|consent|select_account| ){0,4}",
            claims in ".{0,60}|\\{\"(id_token|userinfo)\":\\{\"(name|email|x|acr)\":null\\}\\}",
            max_age in "-?[0-9]{0,12}|.{0,5}",
        ) {
            let pairs = [
                ("scope", scope.as_str()),
                ("prompt", prompt.as_str()),
                ("claims", claims.as_str()),
                ("max_age", max_age.as_str()),
            ];
            let Ok(wanted) = read(&pairs) else {
                return Ok(());
            };
            let known = ["", "openid", "profile", "email"];
            prop_assert!(wanted.scope.split(' ').all(|scope| known.contains(&scope)));
            for claim in &wanted.claims {
                let (place, member) = claim.split_once('.').unwrap();
                prop_assert!(["id_token", "userinfo"].contains(&place));
                prop_assert!(CLAIMS.contains(&member));
            }
            let Prompt { is_silent, asks_consent, selects, signs_in } = wanted.prompt;
            prop_assert!(!is_silent || !(asks_consent || selects || signs_in));
            prop_assert!(wanted.max_age.is_none_or(|age| age >= 0));
        }

        #[test]
        fn a_nested_claim_breaks_nothing(depth in 0_usize..400) {
            let claims = format!("{}1{}", "{\"id_token\":".repeat(depth), "}".repeat(depth));
            let _ = read(&[("claims", &claims)]);
        }
    }
}
