//! `FinishPasskeySignIn`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Actor, Added, Begun, Key, World, claims, fields};

const FINISH: &str = "/v1/login/passkey/finish";

/// Somebody with a passkey, and a ceremony that waits for it.
struct Scene {
    world: World,
    alice: Actor,
    added: Added,
    begun: Begun,
}

impl Scene {
    async fn set() -> Self {
        let world = World::start().await;
        let alice = world.person("alice", &[]).await;
        let added = world.add_passkey(&alice).await;
        let begun = world.begin_passkey(json!({})).await;
        Self {
            world,
            alice,
            added,
            begun,
        }
    }

    async fn finish(&self, credential: &str) -> crate::world::Answer {
        self.world.finish_passkey(&self.begun, credential).await
    }

    fn sign(&self) -> String {
        self.added.key.sign(&self.begun.options)
    }

    /// What the passkey is known for, as its owner sees it.
    async fn known(&self) -> Value {
        let path = format!("/v1/users/{}/passkeys", self.alice.id);
        self.world
            .get(&self.world.admin, &path)
            .await
            .is(200)
            .clone()
    }

    /// Checks that this is refused, that the log tells why, and that nothing else has happened.
    async fn is_refused(&self, credential: &str, reason: &str) {
        let before = (
            self.world.sessions_of(&self.alice.id).await,
            self.known().await,
        );
        let answer = self.finish(credential).await;
        answer.refuses(ErrorReason::PasskeyInvalid);
        let told = self.world.refusals("passkey.refuse").await;
        let expected = (self.alice.id.clone(), reason.to_owned());
        assert!(!told.is_empty(), "the log does not tell");
        assert!(told.iter().all(|one| *one == expected), "{told:?}");
        let after = (
            self.world.sessions_of(&self.alice.id).await,
            self.known().await,
        );
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn a_passkey_alone_is_a_sign_in_with_two_factors() {
    let scene = Scene::set().await;
    let answer = scene.finish(&scene.sign()).await;
    let body = answer.is(200);
    let all = [
        "accessToken",
        "expiresIn",
        "idToken",
        "refreshToken",
        "scope",
        "tokenType",
    ];
    assert_eq!(fields(body), all);
    for name in ["accessToken", "idToken"] {
        let told = claims(body[name].as_str().unwrap());
        assert_eq!(told["sub"], *scene.alice.id);
        assert_eq!(told["amr"], json!(["pop", "mfa"]));
        assert_eq!(told["acr"], "urn:gatepost:acr:2");
    }
    let known = scene.known().await;
    assert!(known["items"][0]["lastUsedAt"].is_string(), "{known}");
    let log = "/v1/audit-events?limit=1&action=session.start";
    let log = scene.world.get(&scene.world.admin, log).await;
    assert_eq!(log.is(200)["items"][0]["actorId"], *scene.alice.id);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn what_a_passkey_signed_is_good_once() {
    let scene = Scene::set().await;
    let signed = scene.sign();
    scene.finish(&signed).await.is(200);
    scene.is_refused(&signed, "PASSKEY_REPLAYED").await;
    // Nor is the ceremony good for another signature.
    let again = scene.finish(&scene.sign()).await;
    again.refuses(ErrorReason::PasskeyInvalid);
}

#[tokio::test]
async fn of_many_at_once_one_is_let_in() {
    let scene = Scene::set().await;
    let signed = scene.sign();
    let tries = (0..4).map(|_| scene.finish(&signed));
    let answers = futures::future::join_all(tries).await;
    let met = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(met, 1);
    assert_eq!(scene.world.sessions_of(&scene.alice.id).await, 2);
}

#[tokio::test]
async fn what_was_signed_for_another_site_is_refused() {
    let mut scene = Scene::set().await;
    scene.added.key.origin = "https://gatepost.test.evil.test".to_owned();
    let signed = scene.sign();
    scene.is_refused(&signed, "PASSKEY_FOREIGN").await;
}

#[tokio::test]
async fn what_was_signed_for_another_relying_party_is_refused() {
    let mut scene = Scene::set().await;
    scene.added.key.party = "evil.test".to_owned();
    let signed = scene.sign();
    scene.is_refused(&signed, "PASSKEY_FOREIGN").await;
}

#[tokio::test]
async fn what_was_signed_in_a_frame_of_another_site_is_refused() {
    let mut scene = Scene::set().await;
    scene.added.key.framed = true;
    let signed = scene.sign();
    scene.is_refused(&signed, "PASSKEY_FOREIGN").await;
}

#[tokio::test]
async fn what_was_signed_for_another_ceremony_is_refused() {
    let scene = Scene::set().await;
    let other = scene.world.begin_passkey(json!({})).await;
    let signed = scene.added.key.sign(&other.options);
    scene.is_refused(&signed, "PASSKEY_FOREIGN").await;
}

#[tokio::test]
async fn a_ceremony_of_a_challenge_is_none_of_a_sign_in() {
    let mut scene = Scene::set().await;
    let challenge = scene.world.challenge("alice").await;
    let body = json!({"mfaToken": challenge});
    scene.begun = scene.world.begin_passkey(body).await;
    let signed = scene.sign();
    scene.is_refused(&signed, "PASSKEY_CEREMONY_OVER").await;
}

#[tokio::test]
async fn a_device_that_did_not_verify_its_user_is_refused() {
    let mut scene = Scene::set().await;
    scene.added.key.verified = false;
    let signed = scene.sign();
    scene.is_refused(&signed, "PASSKEY_UNVERIFIED").await;
}

#[tokio::test]
async fn a_passkey_that_counts_backwards_is_refused() {
    let mut scene = Scene::set().await;
    scene.added.key.counter = 7;
    scene.finish(&scene.sign()).await.is(200);
    for counter in [7, 6, 0] {
        scene.added.key.counter = counter;
        scene.begun = scene.world.begin_passkey(json!({})).await;
        let signed = scene.sign();
        scene.is_refused(&signed, "PASSKEY_CLONED").await;
    }
    scene.added.key.counter = 8;
    scene.begun = scene.world.begin_passkey(json!({})).await;
    scene.finish(&scene.sign()).await.is(200);
}

#[tokio::test]
async fn the_key_of_somebody_else_under_a_known_name_is_refused() {
    let scene = Scene::set().await;
    let bob = scene.world.person("bob", &[]).await;
    let (begun, _) = scene.world.begin_registration(&bob).await;
    let mut forged = Key::new(&begun.options);
    forged.id.clone_from(&scene.added.key.id);
    forged.handle.clone_from(&scene.added.key.handle);
    let signed = forged.sign(&scene.begun.options);
    scene.is_refused(&signed, "PASSKEY_INVALID").await;
}

#[tokio::test]
async fn a_ceremony_is_over_after_its_time() {
    let scene = Scene::set().await;
    let signed = scene.sign();
    scene.world.pass(Duration::from_secs(601)).await;
    scene.is_refused(&signed, "PASSKEY_CEREMONY_OVER").await;
}

#[tokio::test]
async fn a_passkey_that_does_not_count_here_is_refused() {
    let scene = Scene::set().await;
    let policy = json!({"mode": "optional", "methods": ["app"]});
    let (admin, path) = (&scene.world.admin, "/v1/mfa/policies");
    let set = scene.world.call(admin, Method::PUT, path, policy).await;
    set.is(200);
    let signed = scene.sign();
    scene.is_refused(&signed, "PASSKEY_UNCOUNTED").await;
}

/// What nobody can be told from: all of it is answered alike, and nobody has a record of it.
#[tokio::test]
async fn unknown_passkeys_are_all_alike() {
    let mut scene = Scene::set().await;
    let bob = scene.world.person("bob", &[]).await;
    let his = scene.world.add_passkey(&bob).await;
    let path = format!("/v1/users/{}/mfa", bob.id);
    scene.world.delete(&scene.world.admin, &path).await.is(204);
    let hers = scene.added.key.handle.clone();
    let count = scene.world.sessions_of(&scene.alice.id).await;
    let mut answers = Vec::new();
    // Deleted; of nobody; of somebody else; of nobody in particular; and no such thing at all.
    answers.push(scene.finish(&his.key.sign(&scene.begun.options)).await);
    for handle in [Some(vec![7; 16]), his.key.handle.clone(), None] {
        scene.added.key.handle = handle;
        scene.begun = scene.world.begin_passkey(json!({})).await;
        answers.push(scene.finish(&scene.sign()).await);
    }
    for nothing in ["nonsense", "{}", "[]", "null"] {
        scene.begun = scene.world.begin_passkey(json!({})).await;
        answers.push(scene.finish(nothing).await);
    }
    let unlike = |answer: &crate::world::Answer| {
        answer.refuses(ErrorReason::PasskeyInvalid);
        let mut body = answer.body.clone();
        body["requestId"] = Value::Null;
        body
    };
    let first = unlike(&answers[0]);
    assert!(answers.iter().all(|answer| unlike(answer) == first));
    assert_eq!(scene.world.sessions_of(&scene.alice.id).await, count);
    assert_eq!(scene.world.refusals("passkey.refuse").await, []);
    scene.added.key.handle = hers;
    scene.begun = scene.world.begin_passkey(json!({})).await;
    scene.finish(&scene.sign()).await.is(200);
}

#[tokio::test]
async fn the_log_is_not_filled_by_who_fails_often() {
    let mut scene = Scene::set().await;
    scene.added.key.verified = false;
    for _ in 0..4 {
        scene.begun = scene.world.begin_passkey(json!({})).await;
        let refused = scene.finish(&scene.sign()).await;
        refused.refuses(ErrorReason::PasskeyInvalid);
    }
    // Once, or twice where the minute was over between them.
    let before = scene.world.refusals("passkey.refuse").await.len();
    assert!((1..=2).contains(&before), "{before}");
    scene.world.pass(Duration::from_mins(1)).await;
    scene.begun = scene.world.begin_passkey(json!({})).await;
    scene
        .finish(&scene.sign())
        .await
        .refuses(ErrorReason::PasskeyInvalid);
    let after = scene.world.refusals("passkey.refuse").await.len();
    assert_eq!(after, before + 1);
}

#[tokio::test]
async fn who_fails_too_often_waits_and_nobody_else() {
    let mut scene = Scene::set().await;
    let bob = scene.world.person("bob", &[]).await;
    let his = scene.world.add_passkey(&bob).await;
    scene.added.key.verified = false;
    let mut slowed = None;
    for _ in 0..8 {
        scene.begun = scene.world.begin_passkey(json!({})).await;
        let refused = scene.finish(&scene.sign()).await;
        if refused.reason() == ErrorReason::TooManyAttempts.name() {
            slowed = Some(refused);
            break;
        }
        refused.refuses(ErrorReason::PasskeyInvalid);
    }
    let slowed = slowed.expect("a wait");
    slowed.refuses(ErrorReason::TooManyAttempts);
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    scene.world.sign_in_by(&his.key).await;
    // Her password, and her second factor, are not slowed by what a stranger does with a passkey.
    assert_eq!(scene.world.knock("alice").await["mfaRequired"], true);
    scene.world.pass(Duration::from_mins(15)).await;
    scene.added.key.verified = true;
    scene.world.sign_in_by(&scene.added.key).await;
}

#[tokio::test]
async fn who_may_not_sign_in_may_not_with_a_passkey() {
    let scene = Scene::set().await;
    let path = format!("/v1/users/{}", scene.alice.id);
    let suspended = json!({"status": "suspended"});
    let (world, admin) = (&scene.world, &scene.world.admin);
    world.patch(admin, &path, suspended).await.is(204);
    let refused = scene.finish(&scene.sign()).await;
    refused.refuses(ErrorReason::UserSuspended);
    assert!(scene.known().await["items"][0].get("lastUsedAt").is_none());
    world.delete(admin, &path).await.is(204);
    let begun = world.begin_passkey(json!({})).await;
    let signed = scene.added.key.sign(&begun.options);
    let gone = world.finish_passkey(&begun, &signed).await;
    gone.refuses(ErrorReason::PasskeyInvalid);
}

#[tokio::test]
async fn a_suspended_organization_lets_nobody_in() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    let added = world.add_passkey(&acme).await;
    // Nobody names the organization: the passkey does.
    assert_eq!(world.sign_in_by(&added.key).await.id, acme.id);
    let list = world.get(&world.admin, "/v1/organizations").await;
    let items = list.is(200)["items"].as_array().unwrap().clone();
    let own = items.iter().find(|item| item["slug"] == "acme").unwrap();
    let path = format!("/v1/organizations/{}", own["id"].as_str().unwrap());
    let suspended = json!({"status": "suspended"});
    world.patch(&world.admin, &path, suspended).await.is(200);
    let begun = world.begin_passkey(json!({})).await;
    let signed = added.key.sign(&begun.options);
    let refused = world.finish_passkey(&begun, &signed).await;
    refused.refuses(ErrorReason::OrganizationSuspended);
}

#[tokio::test]
async fn an_application_signs_its_own_people_in() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let (hers, his) = (
        world.add_passkey(&acme).await,
        world.add_passkey(&globex).await,
    );
    let made = application(&world, &acme, json!({"name": "console"})).await;
    let id = made["clientId"].as_str().unwrap();
    let finish = async |key: &Key, begun_for: &str, secret: &Value| {
        let begun = world.begin_passkey(json!({"clientId": begun_for})).await;
        let body = json!({
            "ceremony": begun.ceremony, "credential": key.sign(&begun.options), "scope": "email",
            "clientId": id, "clientSecret": secret,
        });
        world.post_openly(FINISH, body).await
    };
    let answer = finish(&hers.key, id, &made["clientSecret"]).await;
    assert_eq!(answer.is(200)["scope"], "email");
    let token = claims(answer.body["accessToken"].as_str().unwrap());
    assert_eq!(
        (&token["azp"], &token["sub"]),
        (&made["clientId"], &json!(acme.id))
    );
    let foreign = finish(&his.key, id, &made["clientSecret"]).await;
    foreign.refuses(ErrorReason::PasskeyInvalid);
    let swapped = finish(&hers.key, "", &made["clientSecret"]).await;
    swapped.refuses(ErrorReason::PasskeyInvalid);
    let wrong = finish(&hers.key, id, &json!("nonsense")).await;
    wrong.refuses(ErrorReason::ClientInvalid);
}
