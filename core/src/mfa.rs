//! Second factors in words: which there are, who must have one, and what a sign-in was worth.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a sign-in with one factor is worth, as the `acr` of tokens.
pub const ACR_ONE_FACTOR: &str = "urn:gatepost:acr:1";
/// What a sign-in with two factors is worth.
pub const ACR_TWO_FACTORS: &str = "urn:gatepost:acr:2";

/// How a session's methods call a password (RFC 8176 §2).
pub const AMR_PASSWORD: &str = "pwd";
/// A code that works once.
pub const AMR_CODE: &str = "otp";
/// A code that came by SMS.
pub const AMR_SMS: &str = "sms";
/// Proof of holding a key. What keeps the key, nobody has vouched for.
pub const AMR_KEY: &str = "pop";
/// More than one factor.
pub const AMR_TWO_FACTORS: &str = "mfa";

/// A kind of second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// A passkey (WebAuthn).
    Passkey,
    /// An authenticator app (RFC 6238).
    App,
    /// A code by e-mail.
    Email,
    /// A code by SMS.
    Sms,
}

impl Method {
    /// Every one, the strongest first.
    pub const ALL: [Self; 4] = [Self::Passkey, Self::App, Self::Email, Self::Sms];

    /// Its name in the contract and in columns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::App => "app",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The method of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// What it adds to a session's methods.
    pub const fn amr(self) -> &'static str {
        match self {
            Self::Passkey => AMR_KEY,
            Self::App | Self::Email => AMR_CODE,
            Self::Sms => AMR_SMS,
        }
    }
}

/// Whether people need a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Nobody is asked for one.
    Off,
    /// Who has one is asked for it.
    Optional,
    /// Who has none must get one to sign in.
    Required,
}

impl Mode {
    /// Every one, the strictest last.
    pub const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::Required];

    /// Its name in the contract and in columns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    /// The mode of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Whether a second factor is needed, and which count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether one is needed.
    pub mode: Mode,
    /// Which count, each once.
    pub methods: Vec<Method>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Optional,
            methods: Method::ALL.to_vec(),
        }
    }
}

impl Policy {
    /// This policy made stricter by another: of the modes the stricter, of the methods those that
    /// both allow. Methods that exclude each other would let nobody in: then the first ones stay.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.mode = self.mode.max(other.mode);
        let both = |method: &Method| other.methods.contains(method);
        if self.methods.iter().any(both) {
            self.methods.retain(both);
        }
        self
    }

    /// Whether a method counts.
    pub fn allows(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }
}

/// What the methods of a session are worth.
pub fn acr_of<T: AsRef<str>>(methods: &[T]) -> &'static str {
    let two = methods
        .iter()
        .any(|method| method.as_ref() == AMR_TWO_FACTORS);
    if two { ACR_TWO_FACTORS } else { ACR_ONE_FACTOR }
}

/// How strong an `acr` is: 1 or 2. `None` for one that is not ours.
pub fn strength(acr: &str) -> Option<u8> {
    match acr {
        ACR_ONE_FACTOR => Some(1),
        ACR_TWO_FACTORS => Some(2),
        _ => None,
    }
}

/// What a sign-in must be like for a permission to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Demand {
    /// The least strength, as [`strength`] counts it.
    pub strength: u8,
    /// How long ago it may be, in seconds; zero for however long.
    pub max_age_s: u32,
}

impl Demand {
    /// This demand and another one: of each part the stricter.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let max_age_s = match (self.max_age_s, other.max_age_s) {
            (0, age) | (age, 0) => age,
            (one, another) => one.min(another),
        };
        Self {
            strength: self.strength.max(other.strength),
            max_age_s,
        }
    }

    /// The `acr` to ask for.
    pub const fn acr(self) -> &'static str {
        if self.strength >= 2 {
            ACR_TWO_FACTORS
        } else {
            ACR_ONE_FACTOR
        }
    }

    /// How old the sign-in may be, if it says.
    pub const fn max_age(self) -> Option<Duration> {
        match self.max_age_s {
            0 => None,
            seconds => Some(Duration::from_secs(seconds as u64)),
        }
    }

    /// Whether a sign-in of that `acr` and moment (unix seconds) is enough at `now_s`.
    pub fn is_met(self, acr: &str, signed_in_s: i64, now_s: i64) -> bool {
        let is_strong = strength(acr).is_some_and(|strength| strength >= self.strength);
        let age_s = now_s.saturating_sub(signed_in_s);
        is_strong && (self.max_age_s == 0 || age_s <= i64::from(self.max_age_s))
    }
}

/// A permission that asks for more than being signed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DemandingPermission {
    /// The resource.
    pub resource: String,
    /// The action.
    pub action: String,
    /// What it asks for.
    pub demand: Demand,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mode: Mode, methods: &[Method]) -> Policy {
        Policy {
            mode,
            methods: methods.to_vec(),
        }
    }

    #[test]
    fn the_stricter_of_two_counts() {
        let organization = policy(Mode::Optional, &[Method::App, Method::Email]);
        let group = policy(Mode::Required, &[Method::App, Method::Sms]);
        let both = organization.clone().and(&group);
        assert_eq!(both, policy(Mode::Required, &[Method::App]));
        let weak = policy(Mode::Off, &Method::ALL);
        assert_eq!(organization.clone().and(&weak), organization);
        assert_eq!(both.clone().and(&weak), both);
    }

    #[test]
    fn policies_that_exclude_each_other_lock_nobody_out() {
        let organization = policy(Mode::Required, &[Method::App]);
        let group = policy(Mode::Required, &[Method::Sms]);
        assert_eq!(organization.clone().and(&group), organization);
    }

    #[test]
    fn two_factors_are_worth_more_than_one() {
        assert_eq!(acr_of(&["pwd"]), ACR_ONE_FACTOR);
        assert_eq!(acr_of(&["pwd", "otp", "mfa"]), ACR_TWO_FACTORS);
        assert_eq!(acr_of::<&str>(&[]), ACR_ONE_FACTOR);
        for name in ["passkey", "app", "email", "sms"] {
            assert_eq!(Method::parse(name).map(Method::name), Some(name));
        }
        for name in ["off", "optional", "required"] {
            assert_eq!(Mode::parse(name).map(Mode::name), Some(name));
        }
        assert_eq!((Method::parse("fax"), Mode::parse("")), (None, None));
    }

    #[test]
    fn a_demand_is_met_by_what_is_as_strong_and_as_new() {
        let demand = |strength, max_age_s| Demand {
            strength,
            max_age_s,
        };
        assert!(demand(2, 0).is_met(ACR_TWO_FACTORS, 0, i64::MAX));
        assert!(!demand(2, 0).is_met(ACR_ONE_FACTOR, 100, 100));
        assert!(!demand(1, 0).is_met("", 100, 100), "a token from before");
        assert!(demand(1, 60).is_met(ACR_TWO_FACTORS, 100, 160));
        assert!(!demand(1, 60).is_met(ACR_TWO_FACTORS, 100, 161));
        assert_eq!(demand(2, 0).and(demand(1, 60)), demand(2, 60));
        assert_eq!(demand(1, 30).and(demand(1, 60)), demand(1, 30));
        assert_eq!(demand(2, 60).acr(), ACR_TWO_FACTORS);
        assert_eq!(demand(1, 60).acr(), ACR_ONE_FACTOR);
        assert_eq!(demand(1, 60).max_age(), Some(Duration::from_mins(1)));
        assert_eq!(demand(1, 0).max_age(), None);
    }
}
