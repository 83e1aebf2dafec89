//! What was written and what was answered, and whether any answer was made from knowledge that was
//! older than the bound. Nothing here knows of servers or reads a clock.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Time since the history began.
pub type Moment = Duration;

/// How much of the history before and after a fault is told with it.
const AROUND: Duration = Duration::from_millis(1_500);
/// The most lines of answers that are told with a fault.
const TOLD_MAX: usize = 60;

/// Which way a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// From now on she may.
    Grant,
    /// From now on she may not.
    Revoke,
}

/// A change of one fact. The writes of a fact follow each other.
#[derive(Clone, Debug)]
pub struct Write {
    /// Whose.
    pub fact: usize,
    /// Which way.
    pub effect: Effect,
    /// When the call began: nothing was written before.
    pub begun: Moment,
    /// What is known of the commit. None: it may have been committed, or may still be one day.
    pub done: Option<Done>,
}

/// What is known of a commit.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// When the call was answered: it was committed before.
    pub at: Moment,
    /// The revision that it made, or one of later; none if that was not told.
    pub revision: Option<u64>,
}

/// A question and what came back.
#[derive(Clone, Debug)]
pub struct Question {
    /// About which fact.
    pub fact: usize,
    /// To whom.
    pub replica: usize,
    /// When it was sent, or a little earlier.
    pub sent: Moment,
    /// When the answer was there.
    pub answered: Moment,
    /// The answer.
    pub verdict: Verdict,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes or no.
    Decided {
        /// Which of them.
        allowed: bool,
        /// What it is based on.
        revision: u64,
        /// How old that is, as the answer says itself.
        age: Duration,
    },
    /// The token is good no more.
    Ended,
    /// There is no decision to be had.
    Unavailable,
    /// Nobody answered.
    Lost,
}

/// Something that was done to a replica or to what it stands on.
#[derive(Clone, Debug)]
pub struct Blow {
    /// What it was.
    pub what: String,
    /// To which replica; none if to all.
    pub replica: Option<usize>,
    /// When it began.
    pub from: Moment,
    /// When its end began.
    pub to: Moment,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Those of one fact in their order.
    pub writes: Vec<Write>,
    /// In the order in which they were answered.
    pub questions: Vec<Question>,
    /// In the order in which they were over.
    pub blows: Vec<Blow>,
}

/// An answer that must not be.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    /// Why it must not.
    pub why: Why,
    /// It.
    pub question: &'a Question,
    /// The write that it does not know of.
    pub write: Option<&'a Write>,
}

/// Why an answer must not be, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Allowed, and sent later than the bound after the commit of the revocation; nobody had begun
    /// to grant it again when the answer was there.
    AllowedTooLate,
    /// Decided on an older revision than that of a write that was committed longer ago than the
    /// bound.
    OlderRevision,
    /// Allowed on a revision on which it was revoked.
    AllowedWhileRevoked,
    /// Decided from what it says itself is older than the bound.
    TooOld,
}

/// A time in which a fact is revoked for certain.
struct Spell<'a> {
    revocation: &'a Write,
    done: Done,
    /// The grant that ends it, from when it begins.
    until: Option<&'a Write>,
}

/// Counts of a history.
#[derive(Debug, Default)]
pub struct Counts {
    /// Questions that were answered with yes.
    pub allowed: usize,
    /// Questions that were answered with no.
    pub denied: usize,
    /// Questions that were answered with “good no more”.
    pub ended: usize,
    /// Questions that were answered with “no decision”.
    pub unavailable: usize,
    /// Questions that were not answered.
    pub lost: usize,
}

impl History {
    /// Every answer that must not be, the worst first.
    pub fn faults(&self, bound: Duration) -> Vec<Fault<'_>> {
        let (spells, heads) = (self.spells(), self.heads());
        let mut faults = Vec::new();
        for question in &self.questions {
            let Verdict::Decided {
                allowed,
                revision,
                age,
            } = question.verdict
            else {
                continue;
            };
            let mut fault = |why, write| {
                faults.push(Fault {
                    why,
                    question,
                    write,
                });
            };
            if age > bound {
                fault(Why::TooOld, None);
            }
            let known = heads.partition_point(|(done, _)| done.at + bound < question.sent);
            if let Some((done, write)) = heads.get(known.wrapping_sub(1))
                && done.revision > Some(revision)
            {
                fault(Why::OlderRevision, Some(*write));
            }
            let own = spells.get(&question.fact).into_iter().flatten();
            for spell in own.filter(|_| allowed) {
                if spell.is_late(question, bound) {
                    fault(Why::AllowedTooLate, Some(spell.revocation));
                }
                if spell.holds_at(revision) {
                    fault(Why::AllowedWhileRevoked, Some(spell.revocation));
                }
            }
        }
        faults.sort_by_key(|fault| fault.why);
        faults
    }

    /// What came back of these questions.
    pub fn counts(&self, of: impl Fn(&Question) -> bool) -> Counts {
        let mut counts = Counts::default();
        for question in self.questions.iter().filter(|question| of(question)) {
            let count = match question.verdict {
                Verdict::Decided { allowed: true, .. } => &mut counts.allowed,
                Verdict::Decided { allowed: false, .. } => &mut counts.denied,
                Verdict::Ended => &mut counts.ended,
                Verdict::Unavailable => &mut counts.unavailable,
                Verdict::Lost => &mut counts.lost,
            };
            *count += 1;
        }
        counts
    }

    /// What came back of questions about what was revoked longer ago than the bound. None of them
    /// may be allowed.
    pub fn late(&self, bound: Duration) -> Counts {
        let spells = self.spells();
        self.counts(|question| {
            let mut own = spells.get(&question.fact).into_iter().flatten();
            own.any(|spell| spell.is_late(question, bound))
        })
    }

    /// For each revocation how long after it the last question was sent that was allowed, the
    /// shortest first. None allowed counts as nothing.
    pub fn last_allows(&self) -> Vec<Duration> {
        let mut allowed: HashMap<usize, Vec<&Question>> = HashMap::new();
        for question in &self.questions {
            if let Verdict::Decided { allowed: true, .. } = question.verdict {
                allowed.entry(question.fact).or_default().push(question);
            }
        }
        let mut all = Vec::new();
        for (fact, spells) in self.spells() {
            for spell in spells {
                let of = allowed.get(&fact).into_iter().flatten();
                let within = of.filter(|question| spell.lasts_until(question.answered));
                let sent = within.map(|question| question.sent).max();
                all.push(sent.unwrap_or_default().saturating_sub(spell.done.at));
            }
        }
        all.sort();
        all
    }

    /// A fault with what happened around it.
    pub fn tell(&self, fault: &Fault<'_>) -> String {
        let Fault {
            why,
            question,
            write,
        } = fault;
        let mut told = format!("{why:?}: {question:?}\nunknown to it: {write:?}\n");
        let _ = writeln!(told, "all writes of that fact:");
        for write in self.writes.iter().filter(|of| of.fact == question.fact) {
            let _ = writeln!(told, "  {write:?}");
        }
        let (from, to) = (
            question.sent.saturating_sub(AROUND),
            question.answered + AROUND,
        );
        let _ = writeln!(told, "what was done around it:");
        let around = |blow: &&Blow| blow.from < to && blow.to > from;
        for blow in self.blows.iter().filter(around) {
            let _ = writeln!(told, "  {blow:?}");
        }
        let _ = writeln!(told, "answers of that replica about that fact around it:");
        let same = |of: &&Question| {
            (of.fact, of.replica) == (question.fact, question.replica)
                && of.sent < to
                && of.answered > from
        };
        for question in self.questions.iter().filter(same).take(TOLD_MAX) {
            let Question {
                sent,
                answered,
                verdict,
                ..
            } = question;
            let _ = writeln!(told, "  {sent:?} to {answered:?}: {verdict:?}");
        }
        told
    }

    /// When each fact was revoked for certain.
    fn spells(&self) -> HashMap<usize, Vec<Spell<'_>>> {
        let mut all: HashMap<usize, Vec<Spell<'_>>> = HashMap::new();
        for write in &self.writes {
            let own = all.entry(write.fact).or_default();
            match (write.effect, write.done) {
                (Effect::Revoke, Some(done)) => own.push(Spell {
                    revocation: write,
                    done,
                    until: None,
                }),
                (Effect::Revoke, None) => {}
                (Effect::Grant, _) => {
                    for spell in own.iter_mut().filter(|spell| spell.until.is_none()) {
                        spell.until = Some(write);
                    }
                }
            }
        }
        all
    }

    /// The writes that were committed with a higher revision than all before, by when that was
    /// certain.
    fn heads(&self) -> Vec<(Done, &Write)> {
        let mut heads: Vec<_> = self
            .writes
            .iter()
            .filter_map(|write| Some((write.done?, write)))
            .collect();
        heads.sort_by_key(|(done, _)| done.at);
        let mut highest = None;
        heads.retain(|(done, _)| {
            let is_higher = done.revision > highest;
            highest = highest.max(done.revision);
            is_higher
        });
        heads
    }
}

impl Spell<'_> {
    /// Whether nobody had begun to grant it again then.
    fn lasts_until(&self, moment: Moment) -> bool {
        self.until.is_none_or(|grant| moment <= grant.begun)
    }

    /// Whether this question was sent later than the bound after the revocation, and answered
    /// before anybody began to grant it again.
    fn is_late(&self, question: &Question, bound: Duration) -> bool {
        question.sent > self.done.at + bound && self.lasts_until(question.answered)
    }

    /// Whether it is revoked on this revision for certain.
    fn holds_at(&self, revision: u64) -> bool {
        let Some(first) = self.done.revision else {
            return false;
        };
        let is_before_grant = match self.until {
            None => true,
            Some(grant) => {
                let next = grant.done.and_then(|done| done.revision);
                next.is_some_and(|next| revision < next)
            }
        };
        revision >= first && is_before_grant
    }
}

#[cfg(test)]
mod tests {
    use super::Why::{AllowedTooLate, AllowedWhileRevoked, OlderRevision, TooOld};
    use super::*;

    const BOUND: Duration = Duration::from_millis(500);

    const fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn write(effect: Effect, begun: u64, done: Option<(u64, Option<u64>)>) -> Write {
        Write {
            fact: 7,
            effect,
            begun: ms(begun),
            done: done.map(|(at, revision)| Done {
                at: ms(at),
                revision,
            }),
        }
    }

    /// Granted as revision 3 at 100 ms, revoked as revision 5 at 1,000 ms, granted again as
    /// revision 9 from 3,000 ms to 3,100 ms.
    fn writes() -> Vec<Write> {
        vec![
            write(Effect::Grant, 90, Some((100, Some(3)))),
            write(Effect::Revoke, 950, Some((1_000, Some(5)))),
            write(Effect::Grant, 3_000, Some((3_100, Some(9)))),
        ]
    }

    fn asked(sent: u64, answered: u64, allowed: bool, revision: u64) -> Question {
        Question {
            fact: 7,
            replica: 1,
            sent: ms(sent),
            answered: ms(answered),
            verdict: Verdict::Decided {
                allowed,
                revision,
                age: ms(500),
            },
        }
    }

    fn history(writes: Vec<Write>, question: Question) -> History {
        History {
            writes,
            questions: vec![question],
            blows: Vec::new(),
        }
    }

    /// What is wrong in a history with this question.
    fn faults(writes: Vec<Write>, question: Question) -> Vec<Why> {
        let history = history(writes, question);
        let faults = history.faults(BOUND);
        for fault in &faults {
            assert!(history.tell(fault).contains("all writes"));
        }
        faults.iter().map(|fault| fault.why).collect()
    }

    #[test]
    fn what_may_be_is_no_fault() {
        for (why, question) in [
            ("granted", asked(200, 210, true, 3)),
            ("revoked, and nobody is sure yet", asked(960, 990, true, 3)),
            ("just within the bound", asked(1_500, 1_510, true, 4)),
            (
                "within the bound, answered late",
                asked(1_400, 2_900, true, 4),
            ),
            ("a no", asked(1_600, 1_610, false, 5)),
            ("granted again meanwhile", asked(2_990, 3_050, true, 9)),
            ("granted again", asked(3_200, 3_210, true, 9)),
            ("a no soon after the grant", asked(3_200, 3_210, false, 8)),
            ("a higher revision", asked(3_200, 3_210, true, 12)),
        ] {
            assert_eq!(faults(writes(), question), [], "{why}");
        }
    }

    #[test]
    fn what_must_not_be_is_a_fault() {
        let cases: [(&str, Question, &[Why]); 7] = [
            (
                "the old revision past the bound",
                asked(1_501, 1_510, true, 4),
                &[AllowedTooLate, OlderRevision],
            ),
            (
                "it slept, and allows as the first thing it does",
                asked(1_600, 2_900, true, 3),
                &[AllowedTooLate, OlderRevision],
            ),
            (
                "granted again meanwhile, but that is not what it knows",
                asked(2_990, 3_050, true, 4),
                &[OlderRevision],
            ),
            (
                "it knows of the revocation, and allows all the same",
                asked(1_200, 1_210, true, 5),
                &[AllowedWhileRevoked],
            ),
            (
                "the same, past the bound",
                asked(1_700, 1_710, true, 8),
                &[AllowedTooLate, AllowedWhileRevoked],
            ),
            (
                "granted again, and it knows only of the revocation",
                asked(3_200, 3_210, true, 8),
                &[AllowedWhileRevoked],
            ),
            (
                "a no of long ago",
                asked(3_700, 3_710, false, 8),
                &[OlderRevision],
            ),
        ];
        for (why, question, expected) in cases {
            assert_eq!(faults(writes(), question), expected, "{why}");
        }
    }

    #[test]
    fn an_answer_that_says_that_it_is_too_old_is_a_fault() {
        let mut question = asked(200, 210, true, 3);
        question.verdict = Verdict::Decided {
            allowed: true,
            revision: 3,
            age: ms(501),
        };
        assert_eq!(faults(writes(), question), [TooOld]);
    }

    #[test]
    fn what_is_not_certain_accuses_nobody() {
        let unknown_grant = vec![
            write(Effect::Revoke, 950, Some((1_000, Some(5)))),
            write(Effect::Grant, 2_000, None),
        ];
        let question = asked(2_100, 2_110, true, 6);
        assert_eq!(faults(unknown_grant.clone(), question), []);
        // But up to then it was certain.
        assert_eq!(
            faults(unknown_grant, asked(1_900, 1_910, true, 6)),
            [AllowedTooLate]
        );
        let unknown_revocation = vec![write(Effect::Revoke, 950, None)];
        let question = asked(5_000, 5_010, true, 1);
        assert_eq!(faults(unknown_revocation, question), []);
        // Of one whose revision was not told, the time is known.
        let silent = vec![write(Effect::Revoke, 950, Some((1_000, None)))];
        let question = asked(1_600, 1_610, true, 1);
        assert_eq!(faults(silent, question), [AllowedTooLate]);
    }

    #[test]
    fn the_fact_of_another_tells_the_revision() {
        let mut other = asked(1_600, 1_610, true, 4);
        other.fact = 8;
        assert_eq!(faults(writes(), other.clone()), [OlderRevision]);
        other.verdict = Verdict::Decided {
            allowed: true,
            revision: 5,
            age: ms(1),
        };
        assert_eq!(faults(writes(), other), []);
    }

    #[test]
    fn a_write_that_was_answered_late_hides_no_higher_revision() {
        let writes = vec![
            write(Effect::Revoke, 900, Some((1_000, Some(6)))),
            write(Effect::Revoke, 900, Some((2_000, Some(5)))),
        ];
        let question = asked(2_600, 2_610, false, 5);
        assert_eq!(faults(writes, question), [OlderRevision]);
    }

    #[test]
    fn refusals_are_counted_and_no_fault() {
        let mut history = history(writes(), asked(1_600, 1_610, false, 5));
        for verdict in [Verdict::Ended, Verdict::Unavailable, Verdict::Lost] {
            let mut question = asked(1_600, 1_610, false, 5);
            question.verdict = verdict;
            history.questions.push(question);
        }
        history.questions.push(asked(1_200, 1_210, true, 4));
        history.questions.push(asked(3_200, 3_210, true, 9));
        assert!(history.faults(BOUND).is_empty());
        let late = history.late(BOUND);
        assert_eq!((late.allowed, late.denied, late.ended), (0, 1, 1));
        assert_eq!((late.unavailable, late.lost), (1, 1));
        assert_eq!(history.counts(|_| true).allowed, 2);
        assert_eq!(history.last_allows(), [ms(200)]);
    }
}
