//! How long after a revocation its subject is still allowed on another replica, for measurements.
//!
//! `revoke WRITER ASKER ADMIN_TOKEN GROUP USER USER_TOKEN TIMES` takes the user out of the group
//! by one replica and puts her back, and all the while asks the other one for her. It prints JSON:
//! for each revocation its revision, when it was sent, when it was answered, and when the last
//! question was sent that was allowed, in microseconds since 1970. When the revision was committed
//! only the database knows; the two times of the writer lie on both sides of that.
#![expect(
    clippy::disallowed_methods,
    reason = "this program measures time, it does not act on it"
)]

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatepost_client::Client;
use gatepost_client::proto::identity::v1::{AddGroupMemberRequest, RemoveGroupMemberRequest};
use serde_json::{Value, json};
use tokio::time::sleep;

/// Callers that ask at the same time, each as soon as it was answered and has paused.
const ASKERS: usize = 4;
const PAUSE: Duration = Duration::from_micros(500);
/// After the first refusal, this long nothing may be allowed any more.
const QUIET: Duration = Duration::from_millis(50);
/// A revocation that is not felt for so long is not felt at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// Response metadata: the revision that a write made.
const REVISION: &str = "gatepost-revision";

/// When questions were sent that were allowed or refused, the latest of each.
#[derive(Default)]
struct Asked {
    allowed_us: AtomicU64,
    refused_us: AtomicU64,
    unavailable: AtomicU64,
    failure: Mutex<Option<String>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [writer, asker, admin, group, user, token, times] = arguments.as_slice() else {
        return Err("see the head of client/examples/revoke.rs".into());
    };
    let writer = Client::connect(writer).await?.with_token(admin)?;
    let seen = Arc::new(Asked::default());
    for _ in 0..ASKERS {
        let asker = Client::connect(asker).await?.with_token(token)?;
        tokio::spawn(Arc::clone(&seen).ask(asker));
    }
    let mut rounds = Vec::new();
    for _ in 0..times.parse::<u32>()? {
        let before = now_us()?;
        seen.wait(|seen| seen.allowed_us() > before).await?;
        rounds.push(revoke(&writer, &seen, group, user).await?);
        let request = AddGroupMemberRequest {
            id: group.clone(),
            user_id: user.clone(),
        };
        writer.groups().add_group_member(request).await?;
    }
    let unavailable = seen.unavailable.load(Ordering::Relaxed);
    println!("{}", json!({"rounds": rounds, "unavailable": unavailable}));
    Ok(())
}

async fn revoke(
    writer: &Client,
    asked: &Asked,
    group: &str,
    user: &str,
) -> Result<Value, Box<dyn Error>> {
    let request = RemoveGroupMemberRequest {
        id: group.to_owned(),
        user_id: user.to_owned(),
    };
    let sent = now_us()?;
    let answer = writer.groups().remove_group_member(request).await?;
    let answered = now_us()?;
    let revision = answer
        .metadata()
        .get(REVISION)
        .ok_or("a write without a revision")?;
    let revision: u64 = revision.to_str()?.parse()?;
    asked.wait(|asked| asked.refused_us() > sent).await?;
    sleep(QUIET).await;
    Ok(json!({
        "revision": revision,
        "sent_us": sent,
        "answered_us": answered,
        "last_allowed_us": asked.allowed_us(),
    }))
}

impl Asked {
    async fn ask(self: Arc<Self>, client: Client) {
        loop {
            let Ok(sent) = now_us() else { return };
            match client.may("midaz", "accounts", "get").await {
                Ok(answer) if answer.authorized => {
                    self.allowed_us.fetch_max(sent, Ordering::Relaxed);
                }
                Ok(_) => {
                    self.refused_us.fetch_max(sent, Ordering::Relaxed);
                }
                Err(gatepost_client::Error::Refused(status))
                    if status.code() == tonic::Code::Unavailable =>
                {
                    self.unavailable.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    failure.get_or_insert(error.to_string());
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn wait(&self, until: impl Fn(&Self) -> bool) -> Result<(), Box<dyn Error>> {
        let waited = async {
            while !until(self) {
                sleep(PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match (failure.clone(), waited) {
            (Some(failure), _) => Err(failure.into()),
            (None, waited) => Ok(waited?),
        }
    }

    fn allowed_us(&self) -> u64 {
        self.allowed_us.load(Ordering::Relaxed)
    }

    fn refused_us(&self) -> u64 {
        self.refused_us.load(Ordering::Relaxed)
    }
}

/// Microseconds since 1970, on the clock that the database has too.
fn now_us() -> Result<u64, Box<dyn Error>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_micros())?)
}
