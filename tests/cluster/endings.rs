//! What ends, ends for the tokens that are out already: on every replica, within the bound, with
//! and without the bus, and nothing else ends with it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::proxy::Proxy;
use crate::replicas::{Cluster, PATIENCE, allowed, refused, settled};
use crate::rest::{PASSWORD, Rest, Subject};

const NEXT_PASSWORD: &str = "another horse and another battery";

/// Ways in which a token ends before its time.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Logout,
    PasswordChange,
    UserDisabled,
    UserDeleted,
    ApplicationDeleted,
    SecretRevoked,
    SessionKilled,
    OrganizationSuspended,
}

const ENDINGS: [Ending; 8] = [
    Ending::Logout,
    Ending::PasswordChange,
    Ending::UserDisabled,
    Ending::UserDeleted,
    Ending::ApplicationDeleted,
    Ending::SecretRevoked,
    Ending::SessionKilled,
    Ending::OrganizationSuspended,
];

/// An organization of its own, with a token that will end and those that will not.
struct Victim {
    organization: String,
    admin: String,
    id: String,
    token: String,
    /// Tokens that have as much to do with the one that ends as any can, and stay.
    others: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_bites_on_issued_tokens() {
    bites(Ending::Logout).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_change_bites_on_issued_tokens() {
    bites(Ending::PasswordChange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_user_bites_on_issued_tokens() {
    bites(Ending::UserDisabled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_bites_on_issued_tokens() {
    bites(Ending::UserDeleted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_application_bites_on_issued_tokens() {
    bites(Ending::ApplicationDeleted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_revoked_secret_bites_on_issued_tokens() {
    bites(Ending::SecretRevoked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_session_bites_on_issued_tokens() {
    bites(Ending::SessionKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_organization_bites_on_issued_tokens() {
    bites(Ending::OrganizationSuspended).await;
}

/// The database is cut off between the endings and the questions: whoever looked into it to answer
/// would answer late, or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ending_is_looked_up_in_the_database() {
    const QUESTIONS: usize = 50;
    const SOON: Duration = Duration::from_secs(10);
    let cluster = Cluster::start();
    let wire = Proxy::new(cluster.database_port());
    let url = cluster.database_through(wire.port);
    // So long a bound that the replica need not look during the questions.
    let bound = ("GATEPOST_STALENESS_BOUND_MS", "60000");
    let many = ("GATEPOST_MULTI_TENANT", "true");
    let a = cluster.replica(&[many, bound]).await;
    let behind = [many, bound, ("GATEPOST_DATABASE_URL", url.as_str())];
    let b = cluster.replica(&behind).await;
    let root = a.token("admin").await;
    let mut victims = Vec::new();
    for (number, ending) in ENDINGS.into_iter().enumerate() {
        let victim = Victim::new(&a, &root, &format!("tenant-{number}"), ending).await;
        allowed(&b, &victim.token).await;
        if matches!(ending, Ending::OrganizationSuspended) {
            // Another organization, which B has to load once.
            allowed(&b, &victim.others[0]).await;
        }
        ending.happens(&a, &root, &victim).await;
        victims.push((ending, victim));
    }
    for (_, victim) in &victims {
        let deadline = Instant::now() + PATIENCE;
        while settled(&b, &victim.token).await.is_yes() {
            assert!(Instant::now() < deadline, "B does not learn of it");
        }
    }
    wire.stall();
    let begun = Instant::now();
    for (ending, victim) in &victims {
        let ended = join_all((0..QUESTIONS).map(|_| b.may_get(&victim.token))).await;
        for answer in ended {
            let got = (answer.status, answer.reason());
            assert_eq!(got, (401, ending.reason()), "{ending:?}");
        }
        // These were never shown to B before: their signatures are checked here and now.
        for other in &victim.others {
            let answer = b.may_get(other).await;
            assert!(answer.is_yes(), "{ending:?}: {answer:?}");
        }
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    wire.heal();
}

async fn bites(ending: Ending) {
    let cluster = Cluster::start();
    let many = [("GATEPOST_MULTI_TENANT", "true")];
    let (a, b) = (cluster.replica(&many).await, cluster.replica(&many).await);
    let root = a.token("admin").await;
    for bus in ["with-a-bus", "without-a-bus"] {
        if bus == "without-a-bus" {
            cluster.valkey.stop();
        }
        let victim = Victim::new(&a, &root, bus, ending).await;
        allowed(&b, &victim.token).await;
        ending.happens(&a, &root, &victim).await;
        let (answer, _) = refused(&b, &victim.token, Instant::now()).await;
        let expected = (401, ending.reason());
        assert_eq!((answer.status, answer.reason()), expected, "{bus}");
        for replica in [&a, &b] {
            let again = settled(replica, &victim.token).await;
            assert_eq!((again.status, again.reason()), expected, "{bus}");
            for other in &victim.others {
                allowed(replica, other).await;
            }
        }
    }
}

impl Ending {
    /// What the token is refused for.
    fn reason(self) -> &'static str {
        match self {
            Self::Logout | Self::PasswordChange | Self::SessionKilled => "SESSION_ENDED",
            Self::UserDisabled => "USER_SUSPENDED",
            Self::UserDeleted => "USER_GONE",
            Self::ApplicationDeleted => "APPLICATION_GONE",
            Self::SecretRevoked => "CREDENTIAL_REVOKED",
            Self::OrganizationSuspended => "ORGANIZATION_SUSPENDED",
        }
    }

    fn of_a_machine(self) -> bool {
        matches!(self, Self::ApplicationDeleted | Self::SecretRevoked)
    }

    async fn happens(self, a: &Rest, root: &str, victim: &Victim) {
        let Victim { id, admin, .. } = victim;
        let sid = sid(&victim.token);
        let suspended = json!({"status": "suspended"});
        let user = format!("/v1/users/{id}");
        let application = format!("/v1/applications/{id}");
        let (token, method, path, body) = match self {
            Self::Logout => (&victim.token, "POST", "/v1/logout".to_owned(), json!({})),
            Self::PasswordChange => {
                // By another session of hers, which stays.
                let body = json!({"oldPassword": PASSWORD, "newPassword": NEXT_PASSWORD});
                let path = format!("{user}/update-password");
                (&victim.others[1], "PATCH", path, body)
            }
            Self::UserDisabled => (admin, "PATCH", user, suspended),
            Self::UserDeleted => (admin, "DELETE", user, Value::Null),
            Self::ApplicationDeleted => (admin, "DELETE", application, Value::Null),
            Self::SecretRevoked => {
                let path = format!("{application}/credentials/{sid}");
                (admin, "DELETE", path, Value::Null)
            }
            Self::SessionKilled => (admin, "DELETE", format!("/v1/sessions/{sid}"), Value::Null),
            Self::OrganizationSuspended => {
                let path = format!("/v1/organizations/{}", victim.organization);
                (&root.to_owned(), "PATCH", path, suspended)
            }
        };
        a.must(token, method, &path, body).await;
    }
}

impl Victim {
    async fn new(a: &Rest, root: &str, slug: &str, ending: Ending) -> Self {
        let (organization, admin) = a.organization(root, slug).await;
        let bystander = format!("bystander-of-{slug}");
        let group = ["midaz-viewer-group"];
        let bystander = a.person(&admin, &bystander, &group).await;
        let (made, mut others) = if ending.of_a_machine() {
            let made = a.machine(&admin, "worker", &["midaz-editor-role"]).await;
            let other = if matches!(ending, Ending::SecretRevoked) {
                Some(token_of_second_secret(a, &admin, &made).await)
            } else {
                None
            };
            (made, Vec::from_iter(other))
        } else {
            let name = format!("victim-of-{slug}");
            let made = a.person(&admin, &name, &group).await;
            let other = match ending.reason() {
                "SESSION_ENDED" => Some(a.token(&name).await),
                _ => None,
            };
            (made, Vec::from_iter(other))
        };
        if matches!(ending, Ending::OrganizationSuspended) {
            // Nobody of it is a bystander; those of another are.
            let (_, other) = a.organization(root, &format!("beside-{slug}")).await;
            let name = format!("neighbour-of-{slug}");
            others.push(a.person(&other, &name, &group).await.token);
        } else {
            others.insert(0, bystander.token);
        }
        Self {
            organization,
            admin,
            id: made.id,
            token: made.token,
            others,
        }
    }
}

async fn token_of_second_secret(a: &Rest, admin: &str, machine: &Subject) -> String {
    let path = format!("/v1/applications/{}/credentials", machine.id);
    let made = a.must(admin, "POST", &path, json!({})).await;
    a.machine_token(&machine.client_id, &made.text("clientSecret"))
        .await
}

/// The session of a token, or the secret that it was bought with.
fn sid(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sid"].as_str().unwrap().to_owned()
}
