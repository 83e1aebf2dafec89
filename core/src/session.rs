//! What a refresh token is worth that is presented again, and again.
//!
//! A session has one refresh token at a time. Each use makes the next generation; who presents an
//! older one copied it, or was copied (RFC 9700 §4.14.2).

use std::time::Duration;

/// How the refresh tokens of a session stand. Moments are in unix microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The generation of the token that is good; the first is 0.
    pub generation: u32,
    /// When the session began.
    pub began_at_us: i64,
    /// When the present generation took the place of the one before; `None` of the first.
    pub rotated_at_us: Option<i64>,
    /// When the session ends whatever is done with it.
    pub expires_at_us: i64,
}

/// How long refresh tokens are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationLimits {
    /// How long the token before the present one still gives the present one: an answer may be
    /// lost on the way, and two tabs may ask at the same time.
    pub grace: Duration,
    /// How long a token may lie unused; zero for as long as the session lasts.
    pub idle: Duration,
}

/// What is to be done for who presents a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is the present one: the next takes its place.
    Rotate,
    /// It is the one before, within the grace: the present one is told once more.
    Repeat,
    /// It is too late for it.
    Expired,
    /// Somebody has a copy: the session ends.
    Reused,
}

impl Rotation {
    /// What a token of this generation is worth at that moment, in unix microseconds.
    pub fn judge(&self, presented: u32, now_us: i64, limits: RotationLimits) -> Presented {
        let used_at_us = self.rotated_at_us.unwrap_or(self.began_at_us);
        let is_idle = !limits.idle.is_zero() && now_us >= after(used_at_us, limits.idle);
        let is_before = presented.checked_add(1) == Some(self.generation);
        if presented == self.generation {
            if is_idle || now_us >= self.expires_at_us {
                return Presented::Expired;
            }
            return Presented::Rotate;
        }
        let in_grace = self
            .rotated_at_us
            .is_some_and(|at_us| now_us < after(at_us, limits.grace));
        if is_before && in_grace && now_us < self.expires_at_us {
            return Presented::Repeat;
        }
        Presented::Reused
    }
}

fn after(moment_us: i64, time: Duration) -> i64 {
    let time_us = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    moment_us.saturating_add(time_us)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: RotationLimits = RotationLimits {
        grace: Duration::from_secs(10),
        idle: Duration::from_hours(1),
    };

    fn at(second: i64) -> i64 {
        second * 1_000_000
    }

    fn rotation(generation: u32, rotated_at: Option<i64>) -> Rotation {
        Rotation {
            generation,
            began_at_us: at(0),
            rotated_at_us: rotated_at.map(at),
            expires_at_us: at(86_400),
        }
    }

    #[test]
    fn the_present_one_is_good_until_it_idles_or_the_session_ends() {
        let first = rotation(0, None);
        assert_eq!(first.judge(0, at(3_599), LIMITS), Presented::Rotate);
        assert_eq!(first.judge(0, at(3_600), LIMITS), Presented::Expired);
        let used = rotation(7, Some(86_000));
        assert_eq!(used.judge(7, at(86_399), LIMITS), Presented::Rotate);
        assert_eq!(used.judge(7, at(86_400), LIMITS), Presented::Expired);
        let patient = RotationLimits {
            idle: Duration::ZERO,
            ..LIMITS
        };
        assert_eq!(first.judge(0, at(86_399), patient), Presented::Rotate);
    }

    #[test]
    fn the_one_before_gives_the_same_within_the_grace_only() {
        let used = rotation(3, Some(100));
        assert_eq!(used.judge(2, at(109), LIMITS), Presented::Repeat);
        assert_eq!(used.judge(2, at(110), LIMITS), Presented::Reused);
        assert_eq!(used.judge(1, at(101), LIMITS), Presented::Reused);
        let last = rotation(3, Some(86_395));
        assert_eq!(last.judge(2, at(86_401), LIMITS), Presented::Reused);
    }

    #[test]
    fn one_from_the_future_was_made_before_a_restore() {
        assert_eq!(
            rotation(3, Some(0)).judge(4, at(1), LIMITS),
            Presented::Reused
        );
    }

    proptest! {
        #[test]
        fn no_two_generations_rotate(generation: u32, one: u32, other: u32, now in 0..90_000_i64) {
            let rotation = rotation(generation, Some(0));
            let judge = |presented| rotation.judge(presented, at(now), LIMITS);
            let rotates = |presented| judge(presented) == Presented::Rotate;
            prop_assert!(one == other || !(rotates(one) && rotates(other)));
        }
    }
}
