//! What a person has, and what is asked of her.

use gatepost_core::UserId;
use gatepost_core::mfa::{Method, Mode, Policy};
use gatepost_proto::ErrorReason;
use gatepost_store::{Factor, Scope};

use crate::error::{Error, Result};

/// The factors of a person beside the policy for her.
#[derive(Debug)]
pub struct Factors {
    /// The policy.
    pub policy: Policy,
    /// All of them, pending ones too.
    pub all: Vec<Factor>,
}

/// What a sign-in with the right password needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing more.
    Nothing,
    /// One of the factors that count.
    Factor,
    /// A first factor: there is none that counts.
    Enrolment,
}

impl Factors {
    /// Looks them up.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn of(tx: &Scope, user: UserId) -> Result<Self> {
        Ok(Self {
            policy: tx.mfa().policy_for(user).await?,
            all: tx.mfa().factors(user).await?,
        })
    }

    /// The methods that count, the preferred one first.
    pub fn methods(&self) -> Vec<Method> {
        let counts = |factor: &&Factor| !factor.pending && self.policy.allows(factor.method);
        let mut factors: Vec<&Factor> = self.all.iter().filter(counts).collect();
        factors.sort_by_key(|factor| (std::cmp::Reverse(factor.preferred_at), factor.method));
        factors.into_iter().map(|factor| factor.method).collect()
    }

    /// The factor of a method that counts, if there is one.
    pub fn active(&self, method: Method) -> Option<&Factor> {
        let is_it = |factor: &&Factor| !factor.pending && factor.method == method;
        let found = self.all.iter().find(is_it);
        found.filter(|_| self.policy.allows(method))
    }

    /// The factor of a method that still has to be proved, if there is one.
    pub fn pending(&self, method: Method) -> Option<&Factor> {
        let is_it = |factor: &&Factor| factor.pending && factor.method == method;
        self.all.iter().find(is_it)
    }

    /// Whether there is any that was proved, be it one that does not count any more.
    pub fn has_any(&self) -> bool {
        self.all.iter().any(|factor| !factor.pending)
    }

    /// Refuses to take a method away, or all of them, from whoever must have a factor and would
    /// have none that counts: the next sign-in would be whoever's knows the password.
    ///
    /// # Errors
    /// `FACTOR_REQUIRED`.
    pub fn require_rest(&self, going: Option<Method>) -> Result<()> {
        let mut left = self.methods();
        let had = left.len();
        left.retain(|one| going.is_some_and(|going| going != *one));
        if self.policy.mode == Mode::Required && had > 0 && left.is_empty() {
            let message = "a second factor is required here; set up another one first";
            return Err(Error::new(ErrorReason::FactorRequired, message));
        }
        Ok(())
    }

    /// What a sign-in needs. `is_remembered`: on a device that was let in before; `is_asked`: two
    /// factors are asked for, whatever the policy.
    pub fn need(&self, is_remembered: bool, is_asked: bool) -> Need {
        let has = !self.methods().is_empty();
        let by_policy = match self.policy.mode {
            Mode::Off => false,
            Mode::Optional => has && !is_remembered,
            Mode::Required => !(has && is_remembered),
        };
        match (by_policy || is_asked, has) {
            (false, _) => Need::Nothing,
            (true, true) => Need::Factor,
            (true, false) => Need::Enrolment,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;

    fn factor(method: Method, pending: bool, preferred_s: Option<i64>) -> Factor {
        let at = |second| OffsetDateTime::from_unix_timestamp(second).unwrap();
        Factor {
            user: UserId::new(Uuid::nil()),
            method,
            pending,
            sealed: Vec::new(),
            created_at: at(0),
            preferred_at: preferred_s.map(at),
            code: None,
            attempts: 0,
            sends: 0,
        }
    }

    fn factors(mode: Mode, all: Vec<Factor>) -> Factors {
        let policy = Policy {
            mode,
            methods: vec![Method::App, Method::Email],
        };
        Factors { policy, all }
    }

    #[test]
    fn what_is_asked_follows_from_policy_and_factors() {
        let app = || vec![factor(Method::App, false, None)];
        let none = || {
            vec![
                factor(Method::App, true, None),
                factor(Method::Sms, false, None),
            ]
        };
        let cases = [
            (
                Mode::Off,
                app(),
                [Need::Nothing, Need::Nothing, Need::Factor],
            ),
            (
                Mode::Off,
                none(),
                [Need::Nothing, Need::Nothing, Need::Enrolment],
            ),
            (
                Mode::Optional,
                app(),
                [Need::Factor, Need::Nothing, Need::Factor],
            ),
            (
                Mode::Optional,
                none(),
                [Need::Nothing, Need::Nothing, Need::Enrolment],
            ),
            (
                Mode::Required,
                app(),
                [Need::Factor, Need::Nothing, Need::Factor],
            ),
            (
                Mode::Required,
                none(),
                [Need::Enrolment, Need::Enrolment, Need::Enrolment],
            ),
        ];
        for (mode, all, wanted) in cases {
            let factors = factors(mode, all);
            let needs = [(false, false), (true, false), (true, true)]
                .map(|(is_remembered, is_asked)| factors.need(is_remembered, is_asked));
            assert_eq!(needs, wanted, "{mode:?} {:?}", factors.methods());
        }
    }

    #[test]
    fn the_one_that_was_preferred_last_comes_first() {
        let all = vec![
            factor(Method::Email, false, Some(2)),
            factor(Method::App, false, Some(1)),
            factor(Method::Sms, false, Some(3)),
        ];
        let factors = factors(Mode::Optional, all);
        assert_eq!(factors.methods(), [Method::Email, Method::App]);
        assert!(factors.active(Method::App).is_some());
        assert!(factors.active(Method::Sms).is_none(), "does not count here");
        assert!(factors.has_any() && factors.pending(Method::App).is_none());
    }
}
