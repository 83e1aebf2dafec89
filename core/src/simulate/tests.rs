use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fact::{Fact, FactKey};
use crate::id::OrganizationId;
use crate::oracle;
use crate::oracle::world::{self, step};
use crate::terms::Attributes;

/// A question with who is meant.
type Asked = (Subject, String, String, String, Attributes);

fn asked() -> impl Strategy<Value = Asked> {
    let attributes = world::attributes();
    (
        world::subject(),
        world::product(),
        world::name(),
        world::name(),
        attributes,
    )
}

fn question((subject, product, resource, action, attributes): &Asked) -> (Subject, Question<'_>) {
    let question = Question {
        product: Some(product),
        resource,
        action,
        attributes,
    };
    (*subject, question)
}

type Facts = BTreeMap<FactKey, Fact>;

fn by_key(facts: &[Fact]) -> Facts {
    facts
        .iter()
        .map(|fact| (fact.key(), fact.clone()))
        .collect()
}

fn take(facts: &mut Facts, steps: Vec<(Fact, bool)>) -> Vec<Change> {
    let steps = steps.into_iter();
    steps
        .filter_map(|(fact, keep)| step(facts, fact, keep))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn answers_as_if_it_had_happened(
        world in world::world(),
        steps in prop::collection::vec((world::fact(), any::<bool>()), 0..12),
        system_steps in prop::collection::vec((world::system_fact(), any::<bool>()), 0..6),
        questions in prop::collection::vec(asked(), 1..20),
    ) {
        let mut after = world.clone();
        let mut system = by_key(&world.system);
        let changes = take(&mut system, system_steps);
        let mut proposal = Proposal { system: changes, ..Proposal::default() };
        if world.id == OrganizationId::new(world::SYSTEM) {
            proposal.organization = take(&mut system, steps);
            after.organization = system.values().cloned().collect();
        } else {
            let mut organization = by_key(&world.organization);
            proposal.organization = take(&mut organization, steps);
            after.organization = organization.into_values().collect();
        }
        after.system = system.into_values().collect();
        let built = world.build();
        let outcomes = simulate(built.view(), &proposal, questions.iter().map(question));
        prop_assert_eq!(outcomes.len(), questions.len());
        for (one, outcome) in questions.iter().zip(outcomes) {
            let (subject, question) = question(one);
            let before = oracle::decide(&world, subject, question);
            let after = oracle::decide(&after, subject, question);
            prop_assert_eq!(outcome.before, Decision::from(before));
            prop_assert_eq!(outcome.after, Decision::from(after));
            prop_assert_eq!(outcome.flips(), outcome.before.allowed != outcome.after.allowed);
        }
        // Nothing is written.
        prop_assert_eq!(built.organization.facts(), world.organization);
    }
}
