use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fact::Status;

fn id(number: u16) -> UserId {
    UserId::new(Uuid::from_u128(u128::from(number) << 64 | 7))
}

/// What a person says, to compare.
type Told = (Option<bool>, String, String, Vec<u32>, Vec<u32>);

fn told(entry: UserEntry<'_>) -> Told {
    let active = entry.is_known().then(|| entry.status() == Status::Active);
    let names = (entry.username().into(), entry.display_name().into());
    (
        active,
        names.0,
        names.1,
        entry.groups().to_vec(),
        entry.seats().to_vec(),
    )
}

/// A step: who, and what changes.
#[derive(Debug, Clone)]
enum Step {
    Set(String, bool),
    Unset,
    Join(u32),
    Leave(u32),
    Give(Vec<u32>),
}

fn step() -> impl Strategy<Value = (u16, Step)> {
    let step = prop_oneof![
        3 => ("[a-zä]{0,6}", any::<bool>()).prop_map(|(name, active)| Step::Set(name, active)),
        1 => Just(Step::Unset),
        4 => (0..20_u32).prop_map(Step::Join),
        2 => (0..20_u32).prop_map(Step::Leave),
        1 => prop::collection::vec(any::<u32>(), 0..3).prop_map(Step::Give),
    ];
    (0..400_u16, step)
}

fn apply(person: &mut Person, step: &Step) {
    match step {
        Step::Set(name, active) => {
            person.status = Some(if *active {
                Status::Active
            } else {
                Status::Suspended
            });
            person.username.clone_from(name);
            person.display_name = format!("{name} {name}");
        }
        Step::Unset => {
            person.status = None;
            person.username.clear();
            person.display_name.clear();
        }
        Step::Join(slot) => {
            person.set_group(*slot, true);
        }
        Step::Leave(slot) => {
            person.set_group(*slot, false);
        }
        Step::Give(seats) => person.seats.clone_from(seats),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn is_a_map(steps in prop::collection::vec(step(), 0..2_000)) {
        let mut people = People::default();
        let mut model: BTreeMap<u16, Person> = BTreeMap::new();
        let (mut old, mut old_model) = (people.clone(), model.clone());
        for (number, (who, step)) in steps.into_iter().enumerate() {
            people.edit(id(who), |person| apply(person, &step));
            let person = model.entry(who).or_default();
            apply(person, &step);
            if person.is_vacant() {
                model.remove(&who);
            }
            if number == 700 {
                (old, old_model) = (people.clone(), model.clone());
            }
        }
        for (people, model) in [(&people, &model), (&old, &old_model)] {
            prop_assert_eq!(people.len, model.len());
            prop_assert_eq!(people.iter().count(), model.len());
            for number in 0..400 {
                let expected = model.get(&number).map(|person| {
                    let active = person.status.map(|status| status == Status::Active);
                    let names = (person.username.clone(), person.display_name.clone());
                    (active, names.0, names.1, person.groups.clone(), person.seats.clone())
                });
                prop_assert_eq!(people.get(id(number)).map(told), expected);
            }
        }
    }

    /// Built at once or one by one, in any order: the same people.
    #[test]
    fn a_build_is_all_the_steps(
        facts in prop::collection::vec((0..300_u16, 0..20_u32), 0..1_500),
    ) {
        let mut builder = PeopleBuilder::default();
        let mut people = People::default();
        for (who, slot) in facts {
            let user = id(who);
            if slot == 0 {
                builder.set(user, &who.to_string(), "ä", Status::Active);
                people.edit(user, |person| apply(person, &Step::Set(who.to_string(), true)));
                people.edit(user, |person| person.display_name = "ä".into());
            } else if slot == 1 {
                builder.give(user, 7);
                people.edit(user, |person| person.seats = vec![7]);
            } else {
                builder.join(user, slot);
                people.edit(user, |person| person.set_group(slot, true));
            }
        }
        let (built, counts) = builder.finish(20);
        prop_assert_eq!(built.len, people.len);
        for number in 0..300 {
            prop_assert_eq!(built.get(id(number)).map(told), people.get(id(number)).map(told));
        }
        for slot in 0..20_u32 {
            let members = people.iter().filter(|(_, entry)| entry.groups().contains(&slot));
            prop_assert_eq!(counts[slot as usize] as usize, members.count());
        }
    }
}

#[test]
fn nothing_piles_up() {
    let mut people = People::default();
    for round in 0..200_u32 {
        people.edit(id(1), |person| {
            apply(person, &Step::Set(round.to_string(), true));
        });
        people.edit(id(1), |person| person.set_group(round, true));
        people.edit(id(1), |person| person.set_group(round, false));
    }
    assert!(people.bytes() < 1_000, "{}", people.bytes());
    people.edit(id(1), |person| *person = Person::default());
    assert!(people.get(id(1)).is_none());
    assert_eq!(people.len, 0);
}
