//! What was asked lately, so that a change can be tried on the questions of today.
//!
//! Questions only: who it was about, product, resource, action and attributes; never a token, nor
//! what was answered. Kept in memory, by the replica that answered, within a bound for each
//! organization and one for all; a flood is sampled. Off until [`remember_questions`] says so.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Mutex, OnceLock, PoisonError};

use foldhash::fast::RandomState;
use gatepost_core::{Attributes, OrganizationId, Subject};

use crate::ask::Ask;

/// Most questions that are kept of an organization, each once.
pub const RECENT_MAX: usize = 1_000;
/// Questions of an organization that are looked at in a second, once as many as are kept were
/// looked at in a row.
const LOOKS_PER_SECOND: i64 = 100;
/// A question with more text than this is not kept.
const QUESTION_BYTES_MAX: usize = 1024;
/// Most text that is kept of an organization.
const ORGANIZATION_BYTES_MAX: usize = 256 * 1024;
/// Most text that is kept in one of the [`SHARDS`].
const SHARD_BYTES_MAX: usize = 2 * 1024 * 1024;
const SHARDS: usize = 16;

/// What this process keeps.
static RECENT: OnceLock<Recent> = OnceLock::new();

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecentQuestion {
    /// Who it was about.
    pub subject: Subject,
    /// The product; empty when none was named.
    pub product: String,
    /// The resource.
    pub resource: String,
    /// The action.
    pub action: String,
    /// What was said of the thing.
    pub attributes: Attributes,
}

/// Begins to keep what is asked. Only a server has use for it.
pub fn remember_questions() {
    RECENT.get_or_init(Recent::default);
}

/// What this process was asked lately in an organization, the newest first, each question once,
/// [`RECENT_MAX`] at the most.
pub fn recent_questions(organization: OrganizationId) -> Vec<RecentQuestion> {
    RECENT
        .get()
        .map(|recent| recent.of(organization))
        .unwrap_or_default()
}

/// Keeps a question, if questions are kept; `product` is what was asked in the end.
pub(crate) fn note(
    organization: OrganizationId,
    now_ms: i64,
    subject: Subject,
    product: Option<&str>,
    ask: &Ask<'_>,
) {
    if let Some(recent) = RECENT.get() {
        recent.note(
            organization,
            now_ms,
            subject,
            product.unwrap_or_default(),
            ask,
        );
    }
}

#[derive(Debug, Default)]
struct Recent {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    organizations: HashMap<OrganizationId, Ring, RandomState>,
    bytes: usize,
}

/// The questions of one organization, the oldest first.
#[derive(Debug, Default)]
struct Ring {
    questions: VecDeque<(u64, usize, RecentQuestion)>,
    /// Hashes of the questions, so that each is kept once.
    hashes: HashSet<u64, RandomState>,
    bytes: usize,
    looks: i64,
    looked_at_ms: i64,
}

impl Recent {
    fn shard(&self, organization: OrganizationId) -> Option<&Mutex<Shard>> {
        let hash = self.hasher.hash_one(organization);
        // The lowest bits choose the bucket of the map.
        self.shards.get((hash >> 32) as usize % SHARDS)
    }

    fn note(
        &self,
        organization: OrganizationId,
        now_ms: i64,
        subject: Subject,
        product: &str,
        ask: &Ask<'_>,
    ) {
        // A decision never waits for this: what comes while another is noted is not noted.
        let shard = self.shard(organization).map(Mutex::try_lock);
        let Some(Ok(mut shard)) = shard else {
            return;
        };
        let ring = shard.organizations.entry(organization).or_default();
        if !ring.may_look(now_ms) {
            return;
        }
        let key = (subject, product, ask.resource, ask.action, ask.attributes);
        let hash = self.hasher.hash_one(key);
        let bytes = bytes(product, ask);
        if bytes > QUESTION_BYTES_MAX || !ring.hashes.insert(hash) {
            return;
        }
        let question = RecentQuestion {
            subject,
            product: product.to_owned(),
            resource: ask.resource.to_owned(),
            action: ask.action.to_owned(),
            attributes: ask.attributes.clone(),
        };
        let before = ring.bytes;
        ring.push(hash, bytes, question);
        let (before, after) = (before, ring.bytes);
        shard.bytes = (shard.bytes + after).saturating_sub(before);
        shard.keep_within_bound(organization);
    }

    fn of(&self, organization: OrganizationId) -> Vec<RecentQuestion> {
        let Some(shard) = self.shard(organization) else {
            return Vec::new();
        };
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = shard.organizations.get(&organization).into_iter();
        let questions = ring.flat_map(|ring| ring.questions.iter().rev());
        questions.map(|(_, _, question)| question.clone()).collect()
    }
}

impl Shard {
    /// Forgets whole organizations, those asked longest ago first, until the rest is little enough.
    fn keep_within_bound(&mut self, last: OrganizationId) {
        while self.bytes > SHARD_BYTES_MAX {
            let others = self.organizations.iter().filter(|(id, _)| **id != last);
            let oldest = others.min_by_key(|(_, ring)| ring.looked_at_ms);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                return;
            };
            let ring = self.organizations.remove(&oldest);
            let bytes = ring.map_or(0, |ring| ring.bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

impl Ring {
    /// Whether another question may be looked at: so many in a row, and then so many a second.
    fn may_look(&mut self, now_ms: i64) -> bool {
        let most = i64::try_from(RECENT_MAX).unwrap_or(i64::MAX);
        let passed_ms = now_ms
            .saturating_sub(self.looked_at_ms)
            .clamp(0, most * 1_000);
        let gained = passed_ms * LOOKS_PER_SECOND / 1_000;
        if gained > 0 {
            self.looks = (self.looks + gained).min(most);
            self.looked_at_ms = now_ms;
        }
        let may = self.looks > 0;
        self.looks -= i64::from(may);
        may
    }

    fn push(&mut self, hash: u64, bytes: usize, question: RecentQuestion) {
        self.questions.push_back((hash, bytes, question));
        self.bytes += bytes;
        while self.questions.len() > RECENT_MAX || self.bytes > ORGANIZATION_BYTES_MAX {
            let Some((hash, bytes, _)) = self.questions.pop_front() else {
                return;
            };
            self.hashes.remove(&hash);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

/// How much memory a question takes, near enough.
fn bytes(product: &str, ask: &Ask<'_>) -> usize {
    let attributes = ask.attributes.iter();
    let attributes = attributes.map(|(name, value)| name.len() + value.len() + 64);
    let question = size_of::<(u64, usize, RecentQuestion)>() + 2 * size_of::<u64>();
    question + product.len() + ask.resource.len() + ask.action.len() + attributes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use gatepost_core::{NO_ATTRIBUTES, UserId};
    use uuid::Uuid;

    use super::*;

    fn organization(number: u128) -> OrganizationId {
        OrganizationId::new(Uuid::from_u128(number))
    }

    fn note(recent: &Recent, organization: OrganizationId, now_ms: i64, resource: &str) {
        let ask = Ask {
            sub: "",
            product: "midaz",
            resource,
            action: "get",
            attributes: &NO_ATTRIBUTES,
        };
        let subject = Subject::User(UserId::new(Uuid::nil()));
        recent.note(organization, now_ms, subject, "midaz", &ask);
    }

    fn resources(recent: &Recent, organization: OrganizationId) -> Vec<String> {
        let questions = recent.of(organization).into_iter();
        questions.map(|question| question.resource).collect()
    }

    #[test]
    fn the_newest_come_first_and_each_once() {
        let recent = Recent::default();
        for resource in ["a", "b", "a", "c"] {
            note(&recent, organization(1), 1_000_000, resource);
        }
        assert_eq!(resources(&recent, organization(1)), ["c", "b", "a"]);
        assert!(resources(&recent, organization(2)).is_empty());
        note(
            &recent,
            organization(1),
            1_000_000,
            &"x".repeat(QUESTION_BYTES_MAX),
        );
        assert_eq!(resources(&recent, organization(1)).len(), 3);
    }

    #[test]
    fn a_flood_is_sampled() {
        let recent = Recent::default();
        for number in 0..10 * RECENT_MAX {
            note(&recent, organization(1), 1_000_000, &number.to_string());
        }
        let all = resources(&recent, organization(1));
        assert_eq!(all.len(), RECENT_MAX);
        assert_eq!(all[0], (RECENT_MAX - 1).to_string());
        note(&recent, organization(1), 1_000_005, "too soon");
        note(&recent, organization(1), 1_000_010, "later");
        let all = resources(&recent, organization(1));
        assert_eq!((all.len(), all[0].as_str()), (RECENT_MAX, "later"));
        assert_eq!(all.last().map(String::as_str), Some("1"));
    }

    #[test]
    fn memory_is_bounded() {
        let recent = Recent::default();
        for number in 0..400 {
            for question in 0..RECENT_MAX {
                let resource = format!("{question}{}", "x".repeat(700));
                note(&recent, organization(number), 1_000_000, &resource);
            }
        }
        for shard in &recent.shards {
            let shard = shard.lock().unwrap();
            let rings: usize = shard.organizations.values().map(|ring| ring.bytes).sum();
            assert_eq!(shard.bytes, rings);
            assert!(shard.bytes <= SHARD_BYTES_MAX);
            for ring in shard.organizations.values() {
                assert!(ring.bytes <= ORGANIZATION_BYTES_MAX);
                assert_eq!(ring.hashes.len(), ring.questions.len());
            }
        }
        assert!(!recent.of(organization(399)).is_empty());
    }
}
