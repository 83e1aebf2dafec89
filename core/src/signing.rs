//! When a signing key is only published, signs, or proves what it signed: told by times alone.
//!
//! The keys of one algorithm stand in a line and take turns. A key that joins is published at once
//! and signs after a notice, so that whoever keeps the public keys for a while has it before its
//! first token. At that moment the one before it retires; it leaves when its last token has
//! expired.

/// When a key signs. Of two neighbours in the line the first retires when the second begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The unix second at which it was made.
    pub made_s: i64,
    /// The unix second from which it signs; `None` when none was before it. It has then signed
    /// always: there is no moment at which nobody signs.
    pub from_s: Option<i64>,
    /// The unix second from which another one signs; `None` while it is the last in the line.
    pub until_s: Option<i64>,
}

/// What a key is for. All of them are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It does not sign yet.
    Upcoming,
    /// It signs.
    Signing,
    /// It proves what it signed.
    Retired,
}

/// When one more key of the algorithm would sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// At once: there is none before it.
    AtOnce,
    /// From this unix second.
    From(i64),
    /// Not at all: one is on its way already.
    Not,
}

impl Turn {
    /// What the key is for at that unix second.
    pub fn stage(self, now_s: i64) -> Stage {
        if self.until_s.is_some_and(|until| until <= now_s) {
            Stage::Retired
        } else if self.from_s.is_some_and(|from| now_s < from) {
            Stage::Upcoming
        } else {
            Stage::Signing
        }
    }

    /// The unix second from which it signs, to tell somebody.
    pub fn signs_from_s(self) -> i64 {
        self.from_s.unwrap_or(self.made_s)
    }

    /// The unix second from which no token that it signed is good, when tokens are good for so
    /// many seconds after their key's turn; `None` while it is the last in the line.
    pub fn proves_until_s(self, tokens_live_s: i64) -> Option<i64> {
        self.until_s
            .map(|until| until.saturating_add(tokens_live_s))
    }

    /// Whether no token that it signed is good any more.
    pub fn is_spent(self, now_s: i64, tokens_live_s: i64) -> bool {
        self.proves_until_s(tokens_live_s)
            .is_some_and(|until| until <= now_s)
    }
}

/// When one more key would sign after those of `line`, if it is published for `notice_s` seconds
/// before.
pub fn joins(line: &[Turn], now_s: i64, notice_s: i64) -> Joins {
    match last(line).map(|last| last.stage(now_s)) {
        None => Joins::AtOnce,
        Some(Stage::Upcoming) => Joins::Not,
        Some(Stage::Signing | Stage::Retired) => Joins::From(now_s.saturating_add(notice_s)),
    }
}

/// Whether one more key should join: there is none that goes on, or it has signed for `age_max_s`
/// seconds; `None` is for ever.
pub fn is_due(line: &[Turn], now_s: i64, age_max_s: Option<i64>) -> bool {
    let Some(last) = last(line) else { return true };
    age_max_s.is_some_and(|age_max| now_s.saturating_sub(last.signs_from_s()) >= age_max)
}

fn last(line: &[Turn]) -> Option<&Turn> {
    line.iter().find(|turn| turn.until_s.is_none())
}

#[cfg(test)]
mod tests;
