//! Beside the hot path: questions that look at a whole organization are answered on few threads of
//! their own, so that no decision waits for them, and no organization fills the queue for others or
//! stands before them in it with more than one question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gatepost_core::OrganizationId;
use gatepost_proto::ErrorReason;
use gatepost_proto::rpc::Rpc;
use gatepost_proto::validate::Validate;
use gatepost_replica::{Gatekeeper, Want};
use tokio::sync::Semaphore;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::context::{Arrival, Caller};
use crate::error::{Error, Result};
use crate::run::{allow, answer, at_revision, authenticate, validate};

/// Questions that are worked on at a time.
const WORKERS: usize = 2;
/// Questions of one organization that are worked on or wait; the next one is told to come back.
const PER_ORGANIZATION_MAX: usize = 16;
/// Questions of all organizations that are worked on or wait.
const QUEUE_MAX: usize = 256;
/// After how long a caller who found the queue full may come back, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// The threads, and who waits for them.
pub struct Beside {
    workers: Arc<Semaphore>,
    waiting: Arc<Waiting>,
}

/// Who waits here.
#[derive(Default)]
struct Waiting(Mutex<HashMap<OrganizationId, Line>>);

/// The questions of one organization that are worked on or wait.
struct Line {
    count: usize,
    /// Held by the one that is worked on, or is the next to wait for a worker.
    turn: Arc<Semaphore>,
}

/// A place in the queue, given back when dropped.
struct Place {
    waiting: Arc<Waiting>,
    organization: OrganizationId,
    turn: Arc<Semaphore>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            count: 0,
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Beside {
    /// Nobody is there yet.
    pub fn new() -> Self {
        Self {
            workers: Arc::new(Semaphore::new(WORKERS)),
            waiting: Arc::default(),
        }
    }

    /// Runs an RPC that is answered from the caller's snapshots alone.
    ///
    /// # Errors
    /// Whatever went wrong, as a status with its reason; `OVERLOADED` when the queue is full.
    pub async fn run<Req>(
        &self,
        gatekeeper: &Gatekeeper,
        request: Request<Req>,
        want: fn(&MetadataMap, &Req) -> Result<Want>,
        handler: fn(&Caller, &Req) -> Result<Req::Response>,
    ) -> Result<Response<Req::Response>, Status>
    where
        Req: Rpc + Validate + Send + 'static,
        Req::Response: Send + 'static,
    {
        let arrival = Arrival::of(&request);
        let (metadata, _, message) = request.into_parts();
        let result = async {
            let want = want(&metadata, &message)?;
            let caller = authenticate(gatekeeper, &metadata, want).await?;
            validate(&message)?;
            allow::<Req>(&caller)?;
            let revision = caller.present.revision();
            let response = self.work(caller, message, handler).await?;
            Ok(at_revision(revision, response))
        };
        answer::<Req>(&arrival, result.await)
    }

    async fn work<In: Send + 'static, Out: Send + 'static>(
        &self,
        caller: Caller,
        message: In,
        handler: fn(&Caller, &In) -> Result<Out>,
    ) -> Result<Out> {
        let place = Place::take(&self.waiting, caller.organization())?;
        // Workers take organizations in turn: who has many questions waits for its own.
        let turn = Arc::clone(&place.turn).acquire_owned().await;
        let turn = turn.map_err(Error::internal)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        let worker = worker.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work and not by the caller, who may go away before it is done.
            let _held = (place, turn, worker);
            handler(&caller, &message)
        })
        .await
        .map_err(Error::internal)?
    }
}

/// Refuses what a sidecar cannot answer: it is fed with what decisions about some products need,
/// and neither with names nor with the roles of others.
///
/// # Errors
/// `NOT_SERVED`.
pub fn require_whole(caller: &Caller) -> Result<()> {
    if caller.present.products.is_none() {
        return Ok(());
    }
    let message = "a sidecar only decides; ask the server that feeds it";
    Err(Error::new(ErrorReason::NotServed, message))
}

impl Place {
    fn take(waiting: &Arc<Waiting>, organization: OrganizationId) -> Result<Self> {
        let mut all = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = all.values().map(|line| line.count).sum();
        let own = all.get(&organization).map_or(0, |line| line.count);
        if own >= PER_ORGANIZATION_MAX || total >= QUEUE_MAX {
            let message = "too many such questions are being answered";
            let error = Error::new(ErrorReason::Overloaded, message);
            return Err(error.with("retry_after_seconds", RETRY_AFTER_S.to_string()));
        }
        let line = all.entry(organization).or_default();
        line.count += 1;
        Ok(Self {
            waiting: Arc::clone(waiting),
            organization,
            turn: Arc::clone(&line.turn),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self
            .waiting
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = all.get_mut(&self.organization) {
            line.count = line.count.saturating_sub(1);
            if line.count == 0 {
                all.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_organization_does_not_fill_the_queue() {
        let waiting = Arc::new(Waiting::default());
        let take = |number| Place::take(&waiting, OrganizationId::new(Uuid::from_u128(number)));
        let mut places: Vec<Place> = (0..PER_ORGANIZATION_MAX)
            .map(|_| take(1).ok().unwrap())
            .collect();
        let refused = take(1).err().unwrap();
        assert_eq!(refused.reason(), ErrorReason::Overloaded);
        places.push(take(2).ok().unwrap());
        places.remove(0);
        places.push(take(1).ok().unwrap());
        drop(places);
        assert!(waiting.0.lock().unwrap().is_empty());
        let most: Vec<Place> = (0..QUEUE_MAX)
            .map(|number| take(number as u128).ok().unwrap())
            .collect();
        assert!(take(QUEUE_MAX as u128).is_err());
        drop(most);
        // Who was refused has left nothing behind.
        assert!(waiting.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_questions_of_one_organization_come_one_after_the_other() {
        let waiting = Arc::new(Waiting::default());
        let take = |number| Place::take(&waiting, OrganizationId::new(Uuid::from_u128(number)));
        let places = [1, 1, 2].map(|number| take(number).ok().unwrap());
        let turn = |place: &Place| Arc::clone(&place.turn).try_acquire_owned().ok();
        let first = turn(&places[0]).unwrap();
        assert!(turn(&places[1]).is_none());
        assert!(turn(&places[2]).is_some());
        drop(first);
        assert!(turn(&places[1]).is_some());
    }
}
