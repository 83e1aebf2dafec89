//! A person who proves by her password that she is herself; whoever does not is told nothing.
//!
//! Answer and work are the same for a wrong password and for a name that nobody has, whatever the
//! form of the hash (`services/password/share.rs`).

use gatepost_core::{OrganizationId, Status, UserId};
use gatepost_proto::ErrorReason;
use gatepost_replica::Want;
use gatepost_store::{Organization, PasswordHash, Scope, SignIn, User};

use crate::app::App;
use crate::error::{Error, Result};
use crate::password::Verdict;

/// What a name is hashed for to find the organization that it is judged by when nobody has it.
const PURPOSE: &str = "the organization of nobody";

/// How often a sign-in is begun: once more when the hash was made anew meanwhile, and is our own by
/// then.
const TRIES_MAX: u32 = 2;

/// Somebody who knew the password.
pub struct Person {
    /// Her organization.
    pub organization: Organization,
    /// Her account, as it was when the password was checked.
    user: User,
    /// A hash as they are made now, when hers is of another form or has other parameters.
    better: Option<PasswordHash>,
}

/// Whom a name means, and what hashes cost where she is, or would be.
pub struct Found {
    person: Option<(Organization, User)>,
    works: Vec<String>,
}

impl Found {
    /// Finds the one account that a name means, in one organization or wherever it is. `account` is
    /// the name as names are compared; nobody who matches is no error.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn of(app: &App, account: &str, place: Option<&Organization>) -> Result<Self> {
        find(app, account, place).await
    }

    /// Which user it is, if anybody.
    pub fn user(&self) -> Option<UserId> {
        self.person.as_ref().map(|(_, user)| user.id)
    }

    /// In which organization she is, if anybody.
    pub fn place(&self) -> Option<OrganizationId> {
        let known = self.person.as_ref();
        known.map(|(organization, _)| organization.id)
    }

    /// Checks the password; nobody is no error, and as much work.
    ///
    /// # Errors
    /// `OVERLOADED`, or what the store answers.
    pub async fn prove(self, app: &App, password: &str) -> Result<Option<Person>> {
        let Self { person, works } = self;
        let stored = person.as_ref().map(|(_, user)| &user.password_hash);
        let verdict = app.passwords.judge(password, stored, &works).await?;
        Ok(match (person, verdict) {
            (Some((organization, user)), Verdict::Right { better }) => Some(Person {
                organization,
                user,
                better,
            }),
            (None, _) | (_, Verdict::Wrong) => None,
        })
    }
}

impl Person {
    /// Begins the transaction of her sign-in, with the account as it is inside and the better hash
    /// of its password: whoever changed the password or suspended the account while the password
    /// was being checked wins.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID`, `USER_SUSPENDED`, `OVERLOADED`, or what the store answers.
    pub async fn enter(mut self, app: &App, password: &str) -> Result<(Scope, User)> {
        for _ in 0..TRIES_MAX {
            let tx = app.store.write(self.organization.id).await?;
            let present = tx.users().get(self.user.id).await?.ok_or_else(wrong)?;
            if present.password_hash == self.user.password_hash {
                let user = self.settle(&tx, present).await?;
                return Ok((tx, user));
            }
            // Another device of hers may have signed in at the same time and made the hash anew.
            // Whether it is still the same password nobody knows but the hash.
            tx.rollback().await?;
            let stored = &present.password_hash;
            if !app.passwords.verify(password, stored).await? {
                return Err(wrong());
            }
            self.user = present;
            self.better = None;
        }
        Err(wrong())
    }

    async fn settle(&mut self, tx: &Scope, mut user: User) -> Result<User> {
        if user.status == Status::Suspended {
            return Err(Error::new(
                ErrorReason::UserSuspended,
                "the user is suspended",
            ));
        }
        if let Some(better) = self.better.take() {
            let checked = &user.password_hash;
            let improved = tx
                .users()
                .improve_password(user.id, checked, better.clone());
            if improved.await? {
                user.password_hash = better;
            }
        }
        Ok(user)
    }
}

/// The one refusal, whatever is wrong.
pub fn wrong() -> Error {
    Error::new(
        ErrorReason::CredentialsInvalid,
        "wrong username or password",
    )
}

/// Whom a name means: within one organization if there is one, else by a verified e-mail address,
/// else in the oldest organization that has the username.
///
/// # Errors
/// What the store answers.
pub async fn named(
    sign_in: &SignIn,
    account: &str,
    within: Option<&Organization>,
) -> Result<Option<(Organization, User)>> {
    if let Some(organization) = within {
        let user = sign_in.user_in(organization.id, account).await?;
        return Ok(user.map(|user| (organization.clone(), user)));
    }
    if account.contains('@') {
        let found = sign_in.users_by_email(account).await?;
        if let Some(found) = found.into_iter().next() {
            return Ok(Some(found));
        }
    }
    Ok(sign_in.oldest_of_username(account).await?)
}

async fn find(app: &App, account: &str, place: Option<&Organization>) -> Result<Found> {
    let sign_in = app.store.sign_in().await?;
    let person = named(&sign_in, account, place).await?;
    let place = match (&person, place) {
        (Some((organization, _)), _) | (None, Some(organization)) => organization.id,
        (None, None) => place_of_nobody(app, account).await,
    };
    let works = sign_in.password_works(place).await?;
    Ok(Found { person, works })
}

/// The organization that a name is taken to be of when nobody has it: any, but always the same, so
/// that its answers take as long as those of somebody there.
///
/// Were it all of them together, one organization's slow hashes would slow every sign-in.
async fn place_of_nobody(app: &App, account: &str) -> OrganizationId {
    let snapshots = &app.gatekeeper.snapshots;
    let system = snapshots.system();
    let Ok(present) = snapshots.get(system, Want::default()).await else {
        return system;
    };
    let hash = app.sealer.hash(PURPOSE, account);
    let mark = hash
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    // With one tenant nobody but it has people.
    let may_be = |id: &OrganizationId| app.multi_tenant || *id != system;
    let ids = present.system.organizations().map(|(id, _)| id);
    nearest(ids.filter(may_be), mark).unwrap_or(system)
}

/// The organization whose id is the nearest, by its random half. When one more comes, it is the
/// nearest of few names and changes nothing for the others.
fn nearest(ids: impl Iterator<Item = OrganizationId>, mark: u64) -> Option<OrganizationId> {
    ids.min_by_key(|id| id.uuid().as_u64_pair().1 ^ mark)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// Spreads numbers as a hash would.
    fn mark(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn names_that_nobody_has_are_spread_and_stay_where_they_are() {
        let mut ids: Vec<OrganizationId> = (1..=4)
            .map(|number| OrganizationId::new(Uuid::from_u64_pair(7, mark(number))))
            .collect();
        let places = |ids: &[OrganizationId]| -> Vec<OrganizationId> {
            let nearest = |number: u64| nearest(ids.iter().copied(), mark(number << 7));
            (0..1000).filter_map(nearest).collect()
        };
        let before = places(&ids);
        for id in &ids {
            let share = before.iter().filter(|place| *place == id).count();
            assert!(share >= 100, "{share} of a thousand");
        }
        let fifth = OrganizationId::new(Uuid::from_u64_pair(7, mark(5)));
        ids.push(fifth);
        let after = places(&ids);
        assert!(after.contains(&fifth));
        let mut moved = before.iter().zip(&after).filter(|(was, is)| was != is);
        assert!(moved.all(|(_, is)| *is == fifth));
        assert_eq!(nearest(std::iter::empty(), 1), None);
    }
}
