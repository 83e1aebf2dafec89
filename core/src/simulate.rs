//! What a change would do, without making it.

use crate::decide::{Decision, Question, Subject, View, decide};
use crate::fact::Change;

/// A change that nobody has made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// What would be of the installation: products and roles of manifests.
    pub system: Vec<Change>,
    /// What would be of the organization.
    pub organization: Vec<Change>,
}

/// The answers to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// As it is.
    pub before: Decision,
    /// As it would be.
    pub after: Decision,
}

impl Outcome {
    /// Whether a yes becomes a no, or the other way round.
    pub fn flips(self) -> bool {
        self.before.allowed != self.after.allowed
    }
}

/// Answers each question twice: as it is, and as it would be after the proposal.
///
/// Costs what [`Snapshot::apply`](crate::Snapshot::apply) costs for the changes, and two decisions
/// for each question.
pub fn simulate<'a>(
    view: View<'_>,
    proposal: &Proposal,
    questions: impl IntoIterator<Item = (Subject, Question<'a>)>,
) -> Vec<Outcome> {
    let system = view.system.apply(view.system.revision(), &proposal.system);
    // The system organization is looked at from both sides: all of it must be on each.
    let (system, organization) = if view.is_system() {
        let both = system.apply(system.revision(), &proposal.organization);
        (both.clone(), both)
    } else {
        let organization = view.organization;
        let organization = organization.apply(organization.revision(), &proposal.organization);
        (system, organization)
    };
    let after = View {
        system: &system,
        organization: &organization,
        ..view
    };
    let questions = questions.into_iter();
    questions
        .map(|(subject, question)| Outcome {
            before: decide(view, subject, question),
            after: decide(after, subject, question),
        })
        .collect()
}

#[cfg(test)]
mod tests;
