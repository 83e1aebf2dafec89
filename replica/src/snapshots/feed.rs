//! What a replica tells those that it feeds: where organizations stand, what changed, what is new.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use gatepost_core::OrganizationId;
use gatepost_core::Revision;
use gatepost_core::feed::{Head, Heads, Hint, Steps};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::slot::micros;
use super::{CATCH_UP_MAX, Request, Snapshots};
use crate::error::Result;
use crate::present::Want;

/// News from the moment of subscribing on, until the replica closes.
#[derive(Debug)]
pub struct News {
    news: broadcast::Receiver<Hint>,
    closing: watch::Receiver<bool>,
}

impl News {
    /// Waits for what is new: decisions are made from it here, or it is of an organization that is
    /// not loaded. `None` when the replica closes.
    pub async fn next(&mut self) -> Option<Hint> {
        tokio::select! {
            _ = self.closing.wait_for(|closing| *closing) => None,
            news = self.news.recv() => match news {
                Ok(hint) => Some(hint),
                Err(RecvError::Lagged(_)) => Some(Hint::Everything),
                Err(RecvError::Closed) => None,
            },
        }
    }
}

impl Snapshots {
    /// News from now on.
    pub fn news(&self) -> News {
        News {
            news: self.news.subscribe(),
            closing: self.closing.subscribe(),
        }
    }

    /// Ends all news, so that streams of them do not hold up a server that closes.
    pub fn close_news(&self) {
        self.closing.send_replace(true);
    }

    /// Tells those that are fed of something new.
    pub(super) fn tell(&self, organization: OrganizationId) {
        // That nobody is fed is the usual case.
        let _ = self.news.send(Hint::Organization(organization));
    }

    /// Where organizations stand: from what is known here if that is no older than `age_max`, or
    /// becomes so by a round that all share, and from the source for the rest. The age counts from
    /// when this was called.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn heads(
        self: &Arc<Self>,
        organizations: &[OrganizationId],
        age_max: Duration,
    ) -> Result<Heads> {
        let arrived = self.clock.since_boot();
        let floor = arrived.saturating_sub(age_max);
        let beat = self.beat.load(Ordering::Relaxed);
        let known = |organization: &OrganizationId| {
            let slot = self.slot(*organization)?;
            // What somebody is fed with is in use.
            slot.touch(beat);
            slot.known().clone()
        };
        let is_old = |organization: &&OrganizationId| {
            known(organization).is_some_and(|known| known.proven_at() <= floor)
        };
        self.catch_up_all(organizations.iter().filter(is_old), arrived)
            .await;
        let (mut heads, mut rest) = (Vec::with_capacity(organizations.len()), Vec::new());
        let mut oldest = arrived;
        for organization in organizations {
            match known(organization).filter(|known| known.proven_at() > floor) {
                Some(known) => {
                    oldest = oldest.min(known.proven_at());
                    heads.push(Head {
                        organization: *organization,
                        revision: known.snapshot.revision(),
                        epoch: known.epoch,
                    });
                }
                None => rest.push(*organization),
            }
        }
        let mut age_us = micros(arrived.saturating_sub(oldest));
        if !rest.is_empty() {
            let found = self.source.heads(&rest, age_max).await?;
            heads.extend(found.heads);
            age_us = age_us.max(found.age_us);
        }
        let now_us = self.clock.now().unix_timestamp_nanos() / 1_000;
        Ok(Heads {
            heads,
            time_us: i64::try_from(now_us).unwrap_or(i64::MAX),
            age_us,
        })
    }

    /// Waits for a round that begins after `arrived`. Those that do not come in time are asked for
    /// at the source.
    async fn catch_up_all(
        self: &Arc<Self>,
        organizations: impl Iterator<Item = &OrganizationId>,
        arrived: Duration,
    ) {
        let requests = organizations.map(|organization| Request {
            organization: *organization,
            want: Want::default().and_fully_fresh(),
            arrived,
        });
        let requests: Vec<Request> = requests.collect();
        let waits = requests
            .into_iter()
            .map(|request| self.catch_up(request, CATCH_UP_MAX));
        let _ = join_all(waits).await;
    }

    /// What changed in an organization, see [`crate::Source::changes`]. What this replica has
    /// followed itself of late is told from memory, so that many who are fed with a change cost
    /// the source no more than one.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn changes(&self, from: Head, up_to: Revision) -> Result<Option<Steps>> {
        let slot = self.slot(from.organization);
        let kept = slot.and_then(|slot| slot.window().changes(from, up_to));
        match kept {
            Some(steps) => Ok(Some(steps)),
            None => self.source.changes(from, up_to).await,
        }
    }

    /// Whether somebody listens to news, so that what changes will be asked for.
    pub(super) fn is_feeding(&self) -> bool {
        self.news.receiver_count() > 0
    }
}
