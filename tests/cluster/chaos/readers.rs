//! Questions to every replica, all the time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::facts::Fact;
use super::history::{Question, Verdict};
use super::scene::Scene;
use super::writers::Board;
use crate::rest::{Answer, Rest};

/// How long a reader waits for one answer before it asks the next question: a replica that sleeps
/// has many of them in its sockets when it wakes up.
const PATIENCE: Duration = Duration::from_millis(100);
/// Rest after an answer, so that the machine is not busy with questions alone.
const REST: Duration = Duration::from_millis(15);
/// Questions of one reader that may be under way.
const UNDER_WAY_MAX: usize = 50;

/// Asks one replica about one fact after the other until it is over, and waits for all answers.
pub async fn read(
    scene: Arc<Scene>,
    board: Arc<Board>,
    replica: usize,
    number: u64,
    bound: Duration,
) {
    let mut random = scene.random(number);
    // Connections of its own.
    let rest = Rest::new(&scene.stations[replica].rest.base);
    let mut asking = JoinSet::new();
    while !scene.is_over() {
        let fact = board.any(&mut random);
        let (of, rest) = (Arc::clone(&scene), rest.clone());
        let (tell, told) = oneshot::channel();
        asking.spawn(async move {
            ask(&of, &rest, replica, &fact, bound).await;
            // Who did not wait so long need not know.
            let _ = tell.send(());
        });
        let _ = timeout(PATIENCE, told).await;
        while let Some(done) = asking.try_join_next() {
            done.unwrap();
        }
        while asking.len() >= UNDER_WAY_MAX {
            asking.join_next().await.unwrap().unwrap();
        }
        sleep(REST).await;
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
}

/// Asks one question, records it, and answers what came back.
pub async fn ask(
    scene: &Scene,
    rest: &Rest,
    replica: usize,
    fact: &Fact,
    bound: Duration,
) -> Verdict {
    let question = serde_json::json!({
        "product": "midaz", "resource": "accounts", "action": "get",
    });
    let request = rest.request(&fact.token, "POST", "/v1/authorize");
    let sent = scene.now();
    scene.stations[replica].sent.fetch_add(1, Ordering::SeqCst);
    let answer = rest.send(request.json(&question)).await;
    let answered = scene.now();
    let verdict = answer.map_or(Verdict::Lost, |answer| verdict(&answer, bound));
    scene.asked(Question {
        fact: fact.number,
        replica,
        sent,
        answered,
        verdict,
    });
    verdict
}

fn verdict(answer: &Answer, bound: Duration) -> Verdict {
    match (answer.status, answer.reason()) {
        (200, _) => {
            let freshness = &answer.body["freshness"];
            let ms = |key: &str| freshness[key].as_u64().map(Duration::from_millis);
            assert_eq!(ms("boundMs"), Some(bound), "{answer:?}");
            Verdict::Decided {
                allowed: answer.is_yes(),
                revision: answer.revision(),
                // What is nothing is left out.
                age: ms("ageMs").unwrap_or_default(),
            }
        }
        (401, "USER_SUSPENDED" | "SESSION_ENDED") => Verdict::Ended,
        (503, _) => Verdict::Unavailable,
        _ => panic!("neither a decision nor a refusal: {answer:?}"),
    }
}
