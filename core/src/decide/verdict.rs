//! What the roles that a subject holds say of one question.

use super::View;
use crate::hash::Key;
use crate::id::RoleId;
use crate::index::{Origin, Speakers};
use crate::role::{Effects, Probe};
use crate::sayings::Said;
use crate::seats::RoleSet;
use crate::snapshot::{ProductEntry, RoleGrant, UserEntry};
use crate::terms::Attributes;

/// What a subject holds, found once for a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held<'a> {
    /// A person, who has what she holds herself and what her groups do.
    User(UserEntry<'a>),
    /// What a machine was given.
    Application(&'a [RoleGrant]),
}

/// What was found out so far.
pub(super) struct Verdict<'a, 'q> {
    view: View<'a>,
    product: &'a ProductEntry,
    probe: &'q Probe<'q>,
    attributes: &'q Attributes,
    pub(super) effects: Effects,
}

/// Roles that allow, and roles that deny.
#[derive(Default)]
struct Spoken {
    allows: RoleSet,
    denies: RoleSet,
    /// Some are not among them, because there are so many.
    more: bool,
}

impl<'a, 'q> Verdict<'a, 'q> {
    pub(super) fn new(
        view: View<'a>,
        product: &'a ProductEntry,
        probe: &'q Probe<'q>,
        attributes: &'q Attributes,
    ) -> Self {
        Self {
            view,
            product,
            probe,
            attributes,
            effects: Effects::default(),
        }
    }

    /// Takes in what the roles say that the subject holds.
    pub(super) fn hear(&mut self, held: Held<'_>) {
        match held {
            Held::Application(grants) => self.hear_each(|| grants),
            Held::User(user) => self.hear_user(user),
        }
    }

    /// Most questions are settled by which roles speak and which are held.
    fn hear_user(&mut self, user: UserEntry<'_>) {
        let (system, organization) = (self.view.system, self.view.organization);
        let said = organization.said(system, self.product, self.probe, || self.find());
        self.effects = said.everyone;
        // Last, because until here her record was on its way from memory.
        let held = organization.held(user);
        if !said.is_more {
            return self.hear_seats(user, said.allows(&held), said.denies(&held));
        }
        let spoken = self.spoken();
        if spoken.more {
            return self.hear_each(|| organization.grants_of(user, held));
        }
        self.hear_seats(user, held & spoken.allows, held & spoken.denies);
    }

    /// Takes in what is said by those roles that the user holds, by their seats.
    fn hear_seats(&mut self, user: UserEntry<'_>, allows: RoleSet, denies: RoleSet) {
        if (allows | denies).is_empty() {
            return;
        }
        let organization = self.view.organization;
        let doubtful = organization.seats().doubtful();
        if !(denies & !doubtful).is_empty() {
            self.effects = self.effects | Effects::DENY;
            return;
        }
        if !(allows & !doubtful).is_empty() {
            self.effects = self.effects | Effects::ALLOW;
            if denies.is_empty() {
                return;
            }
        }
        let open = (allows | denies) & doubtful;
        self.hear_each(|| organization.grants_of(user, open));
    }

    /// Finds out what is said of the question, whoever asks it.
    fn find(&self) -> Said {
        let mut everyone = Verdict { ..*self };
        everyone.hear_each(|| self.product.everyone_grants());
        let spoken = self.spoken();
        if spoken.more {
            return Said::more(everyone.effects);
        }
        Said::new(everyone.effects, spoken.allows, spoken.denies)
    }

    fn spoken(&self) -> Spoken {
        let mut spoken = Spoken::default();
        self.view
            .each_speakers(self.product, self.probe, |speakers, origin| {
                self.note(speakers, origin, &mut spoken);
            });
        spoken
    }

    /// Notes who says what, by seats; who has none is not noted, because nobody holds it.
    fn note(&self, speakers: &Speakers, origin: Origin, spoken: &mut Spoken) {
        let seats = self.view.organization.seats();
        let Some(few) = speakers.few() else {
            spoken.more = true;
            return;
        };
        for speaker in few {
            let (hash, role) = (speaker.hash, speaker.role);
            if let Some(seat) = seats.find(hash, role)
                && self.counts(origin, hash, role)
            {
                spoken.add(seat, speaker.effects);
            }
        }
    }

    /// Takes in what is said by the roles of some grants, one by one.
    fn hear_each<'g, I: IntoIterator<Item = &'g RoleGrant>>(&mut self, grants: impl Fn() -> I) {
        let view = self.view;
        view.each_speakers(self.product, self.probe, |speakers, origin| {
            for grant in grants() {
                if self.effects.denies() {
                    return;
                }
                let role = grant.role();
                if let Some(said) = speakers.find(role)
                    && self.counts(origin, role.hash(), role)
                {
                    let worth = grant.weigh(said, view.now_s, self.attributes);
                    self.effects = self.effects | worth;
                }
            }
        });
    }

    /// The installation's roles come first, as in `View::role`.
    fn counts(&self, origin: Origin, hash: u64, role: RoleId) -> bool {
        origin == Origin::System || !self.view.system.has_role(hash, role)
    }
}

impl Spoken {
    fn add(&mut self, seat: u32, effects: Effects) {
        if effects.allows() {
            self.allows.insert(seat);
        }
        if effects.denies() {
            self.denies.insert(seat);
        }
    }
}
