//! What the roles that a subject holds say of one question.

use super::View;
use crate::hash::Key;
use crate::id::RoleId;
use crate::index::{Origin, Speakers};
use crate::role::{Effects, Probe};
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
struct Said {
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
            Held::User(user) => {
                let everyone = self.product.everyone_grants();
                if !everyone.is_empty() {
                    self.hear_each(|| everyone);
                }
                self.hear_user(user);
            }
        }
    }

    /// Most questions are settled by which roles speak and which are held.
    fn hear_user(&mut self, user: UserEntry<'_>) {
        let organization = self.view.organization;
        let mut said = Said::default();
        self.view
            .each_speakers(self.product, self.probe, |speakers, origin| {
                self.note(speakers, origin, &mut said);
            });
        // Last, because until here her record was on its way from memory.
        let held = organization.held(user);
        let (allows, denies) = (held & said.allows, held & said.denies);
        if !said.more && (allows | denies).is_empty() {
            return;
        }
        let doubtful = organization.seats().doubtful();
        if !(denies & !doubtful).is_empty() {
            self.effects = self.effects | Effects::DENY;
            return;
        }
        if !(allows & !doubtful).is_empty() {
            self.effects = self.effects | Effects::ALLOW;
            if denies.is_empty() && !said.more {
                return;
            }
        }
        let open = if said.more {
            held
        } else {
            (allows | denies) & doubtful
        };
        self.hear_each(|| organization.grants_of(user, open));
    }

    /// Notes who says what, by seats; who has none is not noted, because nobody holds it.
    fn note(&self, speakers: &Speakers, origin: Origin, said: &mut Said) {
        let seats = self.view.organization.seats();
        let Some(few) = speakers.few() else {
            said.more = true;
            return;
        };
        for speaker in few {
            let (hash, role) = (speaker.hash, speaker.role);
            if let Some(seat) = seats.find(hash, role)
                && self.counts(origin, hash, role)
            {
                said.add(seat, speaker.effects);
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

impl Said {
    fn add(&mut self, seat: u32, effects: Effects) {
        if effects.allows() {
            self.allows.insert(seat);
        }
        if effects.denies() {
            self.denies.insert(seat);
        }
    }
}
