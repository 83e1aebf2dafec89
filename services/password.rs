//! Passwords: measured when they are new, checked when somebody signs in.
//!
//! All hashing happens on a small bounded pool of threads that step back for those that answer,
//! so that sign-ins never starve decisions. `docs/passwords.md` tells of it.

mod form;
mod hasher;
mod pool;
mod share;
mod stored;
mod threads;
mod work;

use std::collections::BTreeMap;

use gatepost_core::password::{PasswordError, PasswordPolicy};
use gatepost_proto::ErrorReason;
use gatepost_store::{PasswordHash, Scope, User};
use zeroize::Zeroizing;

use crate::config::PasswordConfig;
use crate::error::{Error, Result};
use hasher::Hasher;
use pool::Pool;
use share::Share;
use stored::Stored;
use work::{HashError, Work};

/// Most lanes of work that the hashes of one organization may be of, our own among them.
const LANES_MAX: usize = 4;
/// Most different costs that they may have.
const COSTS_MAX: usize = 32;

/// Makes, checks and imports password hashes.
#[derive(Debug)]
pub struct Passwords {
    /// What a new password is measured by.
    pub policy: PasswordPolicy,
    hasher: Hasher,
    pool: Pool,
}

/// What a sign-in's password is.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not the one that was hashed, or there is no such person.
    Wrong,
    /// The one that was hashed.
    Right {
        /// A hash of it as they are made now, when the stored one is of another form or has
        /// other parameters.
        better: Option<PasswordHash>,
    },
}

/// A password that somebody is to have.
pub struct NewPassword<'a> {
    /// What was typed.
    pub password: &'a str,
    /// Her username.
    pub username: &'a str,
    /// Her e-mail address; empty for none.
    pub email: &'a str,
    /// Hashes of passwords that must not come back.
    pub former: Vec<PasswordHash>,
}

impl Passwords {
    /// As the settings say.
    ///
    /// # Errors
    /// `INTERNAL` if the parameters are none that Argon2 knows, or there are no threads.
    pub fn new(config: &PasswordConfig) -> Result<Self> {
        let hasher = Hasher::new(config.memory_kib, config.iterations, config.parallelism)?;
        Ok(Self {
            policy: config.policy,
            hasher,
            pool: Pool::new(config.workers)?,
        })
    }

    /// Hashes a password that nobody judges.
    ///
    /// # Errors
    /// `OVERLOADED` when the queue is full.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash> {
        let (hasher, password) = (self.hasher.clone(), secret(password));
        self.pool.run(move || hasher.hash(&password)).await?
    }

    /// Hashes a new password that the policy accepts.
    ///
    /// # Errors
    /// `PASSWORD_REFUSED`, with what is wrong with it; `OVERLOADED` when the queue is full.
    pub async fn accept(&self, new: NewPassword<'_>) -> Result<PasswordHash> {
        self.policy
            .check(new.password, new.username, new.email)
            .map_err(refused)?;
        let former: Vec<Stored> = new.former.iter().map(read).collect::<Result<_>>()?;
        let (hasher, password) = (self.hasher.clone(), secret(new.password));
        let remembered = self.policy.remembered;
        self.pool
            .run(move || {
                for former in &former {
                    if hasher.fits(&password, former).map_err(Error::internal)? {
                        return Err(refused(PasswordError::Used { remembered }));
                    }
                }
                hasher.hash(&password)
            })
            .await?
    }

    /// The hashes of the passwords that this user must not have again, as the policy says: the
    /// present one, and those before it.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn remembered(&self, tx: &Scope, user: &User) -> Result<Vec<PasswordHash>> {
        if self.policy.remembered == 0 {
            return Ok(Vec::new());
        }
        let mut hashes = vec![user.password_hash.clone()];
        let former = tx.users().former_passwords(user.id, self.former_max());
        hashes.extend(former.await?);
        Ok(hashes)
    }

    /// How many passwords before the present one are kept.
    pub fn former_max(&self) -> u32 {
        self.policy.remembered.saturating_sub(1)
    }

    /// Whether `password` is the one that was hashed: for somebody who is known to the caller.
    ///
    /// # Errors
    /// `OVERLOADED` when the queue is full, `INTERNAL` for a hash that cannot be read.
    pub async fn verify(&self, password: &str, stored: &PasswordHash) -> Result<bool> {
        let (hasher, password, stored) = (self.hasher.clone(), secret(password), read(stored)?);
        self.pool
            .run(move || hasher.fits(&password, &stored))
            .await?
            .map_err(Error::internal)
    }

    /// Judges the password of a sign-in; `stored` is nothing when there is no such person.
    ///
    /// As much is done as the dearest hash costs that is in use where she is, or would be.
    ///
    /// # Errors
    /// `OVERLOADED` when the queue is full, `INTERNAL` for a hash that cannot be read.
    pub async fn judge(
        &self,
        password: &str,
        stored: Option<&PasswordHash>,
        in_use: &[String],
    ) -> Result<Verdict> {
        let stored = stored.map(read).transpose()?;
        let share = self.share(in_use.iter().map(String::as_str));
        let (hasher, password) = (self.hasher.clone(), secret(password));
        self.pool
            .run(move || hasher.judge(&password, stored.as_ref(), &share))
            .await?
    }

    /// Refuses an imported hash that would make every sign-in of its organization do too many
    /// kinds of work; `in_use` is what its hashes cost now.
    ///
    /// # Errors
    /// `LIMIT_REACHED`.
    pub fn require_room(&self, hash: &PasswordHash, in_use: &[String]) -> Result<()> {
        if in_use.iter().any(|work| work == hash.work()) {
            return Ok(());
        }
        let works = in_use.iter().map(String::as_str).chain([hash.work()]);
        let (noun, limit) = if self.share(works).lanes() > LANES_MAX {
            ("form of password hashes", LANES_MAX)
        } else if in_use.len() >= COSTS_MAX {
            ("cost of password hashes", COSTS_MAX)
        } else {
            return Ok(());
        };
        let message = format!(
            "the organization's hashes have {limit} already; those who sign in get one of ours"
        );
        Err(Error::new(ErrorReason::LimitReached, message)
            .with("noun", noun)
            .with("limit", limit.to_string()))
    }

    /// The rounds of work that were done so far, by what they are rounds of.
    pub fn done(&self) -> BTreeMap<String, u64> {
        let done = self.hasher.done().into_iter();
        done.map(|(lane, rounds)| (lane.to_string(), rounds))
            .collect()
    }

    /// What everybody costs where these hashes are. Our own are always among them: the next one
    /// will be.
    fn share<'a>(&self, in_use: impl Iterator<Item = &'a str>) -> Share {
        let known = in_use.filter_map(|work| work.parse::<Work>().ok());
        Share::of(known.chain([self.hasher.own]))
    }
}

/// Takes over a hash that another system made.
///
/// # Errors
/// `INVALID_REQUEST`, with what is wrong with it.
pub fn import(text: &str) -> Result<PasswordHash> {
    let hash = PasswordHash(text.to_owned());
    check(&hash)
        .map_err(|error| Error::invalid("passwordHash", format!("`passwordHash` {error}")))?;
    Ok(hash)
}

/// Judges a stranger's hash: a form that is known, whole, and not too dear.
///
/// # Errors
/// What is wrong with it.
pub fn check(hash: &PasswordHash) -> Result<(), HashError> {
    Stored::read(hash)?.work.require_affordable()
}

fn read(hash: &PasswordHash) -> Result<Stored> {
    Stored::read(hash).map_err(Error::internal)
}

fn secret(password: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(password.as_bytes().to_vec())
}

fn refused(error: PasswordError) -> Error {
    Error::new(
        ErrorReason::PasswordRefused,
        format!("the password {error}"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::pool::WAITING_PER_WORKER_MAX;
    use super::*;

    const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn passwords() -> Passwords {
        Passwords::new(&PasswordConfig {
            workers: 1,
            memory_kib: 7168,
            iterations: 5,
            parallelism: 1,
            policy: PasswordPolicy::default(),
        })
        .unwrap()
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = passwords();
        let hash = passwords.hash("correct horse").await.unwrap();
        let text = &hash.0;
        assert!(text.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{text}");
        assert_eq!(hash.work(), "$argon2id$v=19$m=7168,t=5,p=1");
        assert!(passwords.verify("correct horse", &hash).await.unwrap());
        assert!(!passwords.verify("wrong horse", &hash).await.unwrap());
        let same = Verdict::Right { better: None };
        let judged = passwords.judge("correct horse", Some(&hash), &[]).await;
        assert_eq!(judged.unwrap(), same);
        for (password, stored) in [("wrong horse", Some(&hash)), ("correct horse", None)] {
            let judged = passwords.judge(password, stored, &[]).await.unwrap();
            assert_eq!(judged, Verdict::Wrong);
        }
    }

    #[tokio::test]
    async fn a_foreign_hash_gets_better_once_it_was_right() {
        let passwords = passwords();
        let foreign = import(BCRYPT).unwrap();
        let Verdict::Right {
            better: Some(better),
        } = passwords.judge("U*U", Some(&foreign), &[]).await.unwrap()
        else {
            panic!("the password is right and the hash is not ours");
        };
        assert_eq!(better.work(), "$argon2id$v=19$m=7168,t=5,p=1");
        assert!(passwords.verify("U*U", &better).await.unwrap());
        let wrong = passwords.judge("U*U*", Some(&foreign), &[]).await.unwrap();
        assert_eq!(wrong, Verdict::Wrong);
    }

    /// What was done is counted, not timed.
    #[tokio::test]
    async fn a_wrong_password_costs_the_same_whatever_is_stored() {
        let passwords = passwords();
        let own = passwords.hash("correct horse").await.unwrap();
        let foreign = PasswordHash(BCRYPT.to_owned());
        let in_use = ["$2a$05", "$2b$07", "pbkdf2_sha256$1000"].map(str::to_owned);
        let mut costs = Vec::new();
        for stored in [Some(&own), Some(&foreign), None] {
            let before = passwords.done();
            let judged = passwords.judge("wrong", stored, &in_use).await.unwrap();
            assert_eq!(judged, Verdict::Wrong);
            let mut done = passwords.done();
            for (lane, rounds) in &mut done {
                *rounds -= before.get(lane).copied().unwrap_or_default();
            }
            costs.push(done);
        }
        let whole = [
            ("argon2id v=19 m=7168 p=1", 5),
            ("bcrypt", 128),
            ("pbkdf2-sha256", 1000),
        ];
        let whole = BTreeMap::from(whole.map(|(lane, rounds)| (lane.to_owned(), rounds)));
        assert_eq!(costs, [whole.clone(), whole.clone(), whole]);
    }

    #[tokio::test]
    async fn a_remembered_password_is_refused_and_another_is_hashed() {
        let passwords = passwords();
        let former = vec![
            passwords.hash("the one before that").await.unwrap(),
            PasswordHash(BCRYPT.to_owned()),
        ];
        let new = |password| NewPassword {
            password,
            username: "alice",
            email: "",
            former: former.clone(),
        };
        let refused = passwords.accept(new("the one before that")).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::PasswordRefused);
        assert!(refused.message().contains("the last 5"), "{refused}");
        let hash = passwords.accept(new("another good one")).await.unwrap();
        assert!(passwords.verify("another good one", &hash).await.unwrap());
        let short = passwords.accept(new("U*U")).await.unwrap_err();
        assert!(short.message().contains("at least"), "{short}");
    }

    #[test]
    fn only_so_many_kinds_of_work_have_room() {
        let passwords = passwords();
        let hash = |work: &str| PasswordHash(format!("{work}$salt$digest"));
        let three = ["$2a$05", "pbkdf2_sha256$1000", "$scrypt$ln=14,r=8,p=1"];
        let three = three.map(str::to_owned);
        for same in ["pbkdf2_sha256$2000", "$scrypt$ln=14,r=8,p=2"] {
            passwords.require_room(&hash(same), &three).unwrap();
        }
        let fifth = passwords.require_room(&hash("pbkdf2_sha512$1000"), &three);
        assert_eq!(fifth.unwrap_err().reason(), ErrorReason::LimitReached);
        let many: Vec<String> = (1..=32).map(|n| format!("pbkdf2_sha256${n}")).collect();
        passwords
            .require_room(&hash("pbkdf2_sha256$7"), &many)
            .unwrap();
        let another = passwords.require_room(&hash("pbkdf2_sha256$33"), &many);
        assert_eq!(another.unwrap_err().reason(), ErrorReason::LimitReached);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_instead_of_waiting() {
        let passwords = Arc::new(passwords());
        let calls = (0..WAITING_PER_WORKER_MAX + 20).map(|_| passwords.judge("x", None, &[]));
        let answers = futures::future::join_all(calls).await;
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(refused, 19);
        assert!(passwords.judge("x", None, &[]).await.is_ok());
    }
}
