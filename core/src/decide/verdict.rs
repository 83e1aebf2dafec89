//! What the roles that a subject holds say of one question.

use std::ops::ControlFlow;

use super::View;
use crate::index::{Chorus, Origin};
use crate::role::Effects;
use crate::snapshot::{ProductEntry, RoleGrant};
use crate::terms::Attributes;

/// What a subject holds, found once for a decision: its own grants, and the slots of its groups.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held<'a> {
    /// What a person holds.
    User(&'a [RoleGrant], &'a [u32]),
    /// What a machine holds.
    Application(&'a [RoleGrant]),
}

/// What was found out so far.
pub(super) struct Verdict<'a> {
    view: View<'a>,
    attributes: &'a Attributes,
    pub(super) effects: Effects,
}

impl<'a> Verdict<'a> {
    pub(super) fn new(view: View<'a>, attributes: &'a Attributes) -> Self {
        let effects = Effects::default();
        Self {
            view,
            attributes,
            effects,
        }
    }

    /// Takes in what those of the chorus say whose role the subject holds.
    pub(super) fn hear(&mut self, held: Held<'_>, product: &ProductEntry, chorus: &Chorus<'_>) {
        if chorus.is_empty() || self.is_settled(chorus) {
            return;
        }
        let organization = self.view.organization;
        let mut weigh = |grant: &RoleGrant, said, origin| {
            self.weigh(grant, said, origin);
            if self.is_settled(chorus) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let (Held::User(grants, _) | Held::Application(grants)) = held;
        if chorus.among(grants, u128::MAX, &mut weigh).is_break() {
            return;
        }
        if let Held::User(_, groups) = held {
            let everyone = chorus.among(product.everyone_grants(), u128::MAX, &mut weigh);
            if everyone.is_continue() {
                organization.grants_among(groups, chorus, &mut weigh);
            }
        }
    }

    /// Whether nobody in the chorus could change the answer.
    fn is_settled(&self, chorus: &Chorus<'_>) -> bool {
        self.effects.denies() || self.effects.allows() && !chorus.denies()
    }

    fn weigh(&mut self, grant: &RoleGrant, said: Effects, origin: Origin) {
        let system = self.view.system;
        // The installation's roles come first, as in `View::role`.
        if origin == Origin::System || system.role(grant.role()).is_none() {
            let worth = grant.weigh(said, self.view.now_s, self.attributes);
            self.effects = self.effects | worth;
        }
    }
}
