//! Tries at a second factor, and codes that are good once, over several replicas.

use futures::future::join_all;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::mailbox::Mailbox;
use crate::replicas::{Cluster, Replica};
use crate::rest::{Answer, PASSWORD};

const VERIFY: &str = "/v1/login/mfa/verify";

/// The code of an app for so many steps from now.
fn passcode(secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let now_s = time::OffsetDateTime::now_utc().unix_timestamp();
    totp.generate((now_s + 30 * steps).try_into().unwrap())
        .to_string()
}

/// Makes Alice, with an app; answers its secret and the recovery codes.
async fn alice(replica: &Replica) -> (String, Vec<Value>) {
    let admin = replica.token("admin").await;
    let alice = replica.person(&admin, "alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let set_up = json!({"mfaType": "app"});
    let told = replica
        .must(&alice.token, "POST", &format!("{path}/setup"), set_up)
        .await;
    let secret = told.text("secret");
    let proof = json!({"mfaType": "app", "passcode": passcode(&secret, -1)});
    replica
        .must(&alice.token, "POST", &format!("{path}/verify"), proof)
        .await;
    (
        secret,
        told.body["recoveryCodes"].as_array().unwrap().clone(),
    )
}

async fn challenge(replica: &Replica) -> String {
    let answer = replica.sign_in("alice", PASSWORD).await;
    answer.text("mfaToken")
}

async fn meet(replica: &Replica, challenge: &str, field: &str, code: &str) -> Answer {
    let body = json!({"mfaToken": challenge, field: code});
    replica.call("", "POST", VERIFY, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_are_counted_across_replicas() {
    let cluster = Cluster::start();
    let replicas = [cluster.replica(&[]).await, cluster.replica(&[]).await];
    let (_, codes) = alice(&replicas[0]).await;
    let waiting = challenge(&replicas[0]).await;
    let tries = (0..20).map(|number| meet(&replicas[number % 2], &waiting, "passcode", "000000"));
    let answers = join_all(tries).await;
    let judged = answers
        .iter()
        .filter(|answer| answer.reason() == "MFA_CODE_INVALID");
    assert_eq!(judged.count(), 5, "of many at once only so many are judged");
    for replica in &replicas {
        let code = codes[0].as_str().unwrap();
        let late = meet(replica, &waiting, "recoveryCode", code).await;
        assert_eq!((late.status, late.reason()), (401, "MFA_TOKEN_INVALID"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_once_across_replicas() {
    let cluster = Cluster::start();
    let replicas = [cluster.replica(&[]).await, cluster.replica(&[]).await];
    let (secret, codes) = alice(&replicas[0]).await;
    for (field, code) in [
        ("passcode", passcode(&secret, 1)),
        ("recoveryCode", codes[1].as_str().unwrap().to_owned()),
    ] {
        // Each replica has a challenge of its own, and both are shown the same code at once.
        let waiting = [challenge(&replicas[0]).await, challenge(&replicas[1]).await];
        let tries = (0..2).map(|number| meet(&replicas[number], &waiting[number], field, &code));
        let answers = join_all(tries).await;
        let met = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(met, 1, "{field}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_sent_so_often_across_replicas() {
    let cluster = Cluster::start();
    let mailbox = Mailbox::open().await;
    let settings = mailbox.settings();
    let replicas = [
        cluster.replica(&settings).await,
        cluster.replica(&settings).await,
    ];
    let admin = replicas[0].token("admin").await;
    let alice = replicas[0].person(&admin, "alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let set_up = json!({"mfaType": "email"});
    let setup = format!("{path}/setup");
    replicas[0].must(&alice.token, "POST", &setup, set_up).await;
    let first = mailbox.next(0).await;
    let proof = json!({"mfaType": "email", "passcode": first.get(..6).unwrap()});
    let verify = format!("{path}/verify");
    replicas[1].must(&alice.token, "POST", &verify, proof).await;
    let waiting = challenge(&replicas[0]).await;
    let sends = (0..8).map(|number| {
        let body = json!({"mfaToken": waiting, "mfaType": "email"});
        let path = "/v1/login/mfa/challenge";
        replicas[number % 2].call("", "POST", path, body)
    });
    let answers = join_all(sends).await;
    let sent = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(sent.count(), 4, "one, and three more");
    let refused = answers
        .iter()
        .filter(|answer| (answer.status, answer.reason()) == (429, "TOO_MANY_ATTEMPTS"));
    assert_eq!(refused.count(), 4);
    assert_eq!(mailbox.count(), 1 + 4);
    // The last one that was written down is good at either, and the others are not.
    let mut good = 0;
    for number in 1..5 {
        let code = mailbox.next(number).await;
        let code = code.get(..6).unwrap().to_owned();
        let answer = meet(&replicas[number % 2], &waiting, "passcode", &code).await;
        good += usize::from(answer.status == 200);
    }
    assert_eq!(good, 1);
}
