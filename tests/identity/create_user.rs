//! `CreateUser`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::{is_guarded, new_user, role};
use crate::world::{PASSWORD, World, claims};

const PATH: &str = "/v1/users";

#[tokio::test]
async fn an_administrator_creates_a_user_who_can_sign_in() {
    let world = World::start().await;
    let body = new_user("Alice", &["midaz-viewer-group", "admin-group"]);
    let answer = world.post(&world.admin, PATH, body).await;
    let user = answer.is(201);
    let expected = json!({
        "id": user["id"], "username": "Alice", "email": "Alice@example.com",
        "firstName": "Test", "lastName": "Alice",
        "groups": ["admin-group", "midaz-viewer-group"],
        "emailVerified": false, "status": "active", "createdAt": user["createdAt"],
    });
    assert_eq!(*user, expected);
    let id: uuid::Uuid = user["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    let event = world.audit(&answer, "user.create").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("user"), &user["id"])
    );
    assert_eq!((&event["before"], &event["after"]), (&json!(null), user));
    let alice = world.sign_in("alice").await;
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
}

#[tokio::test]
async fn names_and_addresses_are_unique_whatever_their_case() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let name = world.post(&world.admin, PATH, new_user("ALICE", &[])).await;
    name.refuses(ErrorReason::NameTaken);
    let mut body = new_user("bob", &[]);
    body["email"] = json!("Alice@Example.com");
    let address = world.post(&world.admin, PATH, body).await;
    address.refuses(ErrorReason::NameTaken);
}

#[tokio::test]
async fn what_is_not_acceptable_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    let refused = |field: &'static str, value, reason: ErrorReason| {
        let mut body = new_user("alice", &[]);
        body[field] = value;
        let world = &world;
        async move {
            let answer = world.post(&world.admin, PATH, body).await;
            assert_eq!(answer.reason(), reason.name(), "{field}: {}", answer.body);
            answer.refuses(reason);
            answer
        }
    };
    let invalid = ErrorReason::InvalidRequest;
    let missing = refused("username", json!(""), invalid).await;
    assert_eq!(missing.body["code"], "IDE-0001");
    assert_eq!(missing.body["field"], "username");
    refused("email", json!("nowhere"), invalid).await;
    refused("username", json!(" alice"), invalid).await;
    refused("tenantId", json!("x"), invalid).await;
    refused("firstName", json!(7), invalid).await;
    refused("password", json!("short"), ErrorReason::PasswordRefused).await;
    refused(
        "password",
        json!("password123"),
        ErrorReason::PasswordRefused,
    )
    .await;
    refused("groups", json!(["no-such-group"]), ErrorReason::NotFound).await;
    let users = world.get(&world.admin, PATH).await;
    assert_eq!(users.is(200)["total"], 1);
}

#[tokio::test]
async fn only_the_permitted_create_users() {
    let world = World::start().await;
    is_guarded(&world, Method::POST, PATH, new_user("alice", &[])).await;
}

/// Hashes of [`PASSWORD`] that other programs made: libxcrypt and `hashlib`.
const FOREIGN: [(&str, &str); 6] = [
    (
        "Bcrypt",
        "$2b$06$CCCCCCCCCCCCCCCCCCCCC.uGN1ufVX4zerW2S91Qo7fWPFIKWSmsC",
    ),
    (
        "Php",
        "$2y$05$CCCCCCCCCCCCCCCCCCCCC.poIKaw08HWUz4zkVKLs8VPIydUmXBPC",
    ),
    (
        "Django",
        "pbkdf2_sha256$1000$saltySALT$\
         YXRekrqlgxzxpMOlCJyybq0+KbRBOjnXDuFvQsdeopE=",
    ),
    (
        "Passlib",
        "$pbkdf2-sha256$1000$c2l4dGVlbiBzYWx0eSBiLg$\
         b0UwA7wUbF54Luxt1vxGnmn4O0w50K2Kzobvt.3kyhQ",
    ),
    (
        "Phc",
        "$pbkdf2-sha512$i=1000,l=64$c2l4dGVlbiBzYWx0eSBiLg$\
         7NlFVcFOWFkzB27OxmjZim6qFQTbAm0WVeZkKM/X/LGMT+UW3i2eRwr8a1oQzYUQfjQqEyIC0JDXb3BpNQHmRQ",
    ),
    (
        "Scrypt",
        "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBzYWx0eSBiLg$\
         9wTs8K5DpTCTH1c4ww/nUpL2BufdU6DvhsIMV8/+KUE",
    ),
];
/// Of the reference implementation of Argon2; its password is `password`.
const REFERENCE: &str =
    "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";

fn imported(username: &str, hash: &str) -> Value {
    let mut body = new_user(username, &[]);
    body.as_object_mut().unwrap().remove("password");
    body["passwordHash"] = json!(hash);
    body
}

/// What the hash of a user costs, as it is stored.
async fn work_of(world: &World, id: &str) -> String {
    let store = world.store().await;
    let organization = claims(&world.admin.token)["tenantId"]
        .as_str()
        .unwrap()
        .parse();
    let tx = store.read(organization.unwrap()).await.unwrap();
    let user = tx.users().get(id.parse().unwrap()).await.unwrap().unwrap();
    drop(tx);
    store.close().await;
    user.password_hash.work().to_owned()
}

#[tokio::test]
async fn a_hash_of_another_system_is_made_anew_when_its_user_signs_in() {
    let world = World::start().await;
    let reference = ("Reference", "password", REFERENCE);
    let foreign = FOREIGN.map(|(name, hash)| (name, PASSWORD, hash));
    for (name, password, hash) in foreign.into_iter().chain([reference]) {
        let answer = world.post(&world.admin, PATH, imported(name, hash)).await;
        let user = answer.is(201).clone();
        assert!(!user.to_string().contains('$'), "{user}");
        let event = world.audit(&answer, "user.create").await;
        assert!(!event.to_string().contains('$'), "{event}");
        let id = user["id"].as_str().unwrap();
        assert!(hash.starts_with(&work_of(&world, id).await), "{name}");
        let client = world.anonymous().await;
        let wrong = client.password_token(name, "wrong password").await;
        assert!(wrong.is_err(), "{name}");
        assert!(hash.starts_with(&work_of(&world, id).await), "{name}");
        for _ in 0..2 {
            client.password_token(name, password).await.unwrap();
            let work = work_of(&world, id).await;
            assert_eq!(work, "$argon2id$v=19$m=19456,t=2,p=1", "{name}");
        }
        let wrong = client.password_token(name, "wrong password").await;
        assert!(wrong.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_hash_that_is_damaged_or_costs_too_much_is_refused() {
    let world = World::start().await;
    let [(_, bcrypt), _, (_, django), _, _, (_, scrypt)] = FOREIGN;
    let cases = [
        ("secret".to_owned(), "no form"),
        ("$1$salt$digest".to_owned(), "no form"),
        ("$2b$06$CCCCCCCCCCCCCCCCCCCCC.".to_owned(), "damaged"),
        (bcrypt.replace("$06", "$03"), "damaged"),
        (bcrypt.replace("$06", "$15"), "14 at the most"),
        (bcrypt.replace("$06", "$31"), "14 at the most"),
        (
            REFERENCE.replace("m=256", "m=4194304"),
            "131072 at the most",
        ),
        (
            REFERENCE.replace("t=2", "t=4294967295"),
            "524288 at the most",
        ),
        (REFERENCE.replace("c29tZXNhbHQ", "c2FsdA"), "damaged"),
        (scrypt.replace("ln=10", "ln=30"), "131072 at the most"),
        (
            scrypt.replace("r=8,p=1", "r=4294967295,p=4294967295"),
            "damaged",
        ),
        (
            django.replace("$1000$", "$4294967295$"),
            "2000000 at the most",
        ),
    ];
    for (hash, says) in cases {
        let answer = world
            .post(&world.admin, PATH, imported("alice", &hash))
            .await;
        answer.refuses(ErrorReason::InvalidRequest);
        assert_eq!(answer.body["field"], "passwordHash", "{hash}");
        let told = answer.body["detail"].as_str().unwrap();
        assert!(told.contains(says), "{hash}: {told}");
        assert!(!answer.body.to_string().contains("CCCC"), "{told}");
    }
    let long = imported("alice", &"$".repeat(513));
    let long = world.post(&world.admin, PATH, long).await;
    long.refuses(ErrorReason::InvalidRequest);
    let users = world.get(&world.admin, PATH).await;
    assert_eq!(users.is(200)["total"], 1);
}

#[tokio::test]
async fn a_password_or_a_hash_and_never_both() {
    let world = World::start().await;
    let mut both = new_user("alice", &[]);
    both["passwordHash"] = json!(FOREIGN[0].1);
    let both = world.post(&world.admin, PATH, both).await;
    both.refuses(ErrorReason::InvalidRequest);
    assert_eq!(both.body["field"], "passwordHash");
    let neither = world.post(&world.admin, PATH, imported("alice", "")).await;
    neither.refuses(ErrorReason::InvalidRequest);
    assert_eq!(neither.body["field"], "password");
    assert_eq!(neither.body["code"], "IDE-0001");
}

#[tokio::test]
async fn only_so_many_kinds_of_hashes_are_imported() {
    let world = World::start().await;
    let import = async |number: usize| {
        let (name, hash) = FOREIGN[number];
        world.post(&world.admin, PATH, imported(name, hash)).await
    };
    // Of bcrypt, PBKDF2 with SHA-256 and with SHA-512; our own make four.
    for number in 0..5 {
        import(number).await.is(201);
    }
    let fifth = import(5).await;
    fifth.refuses(ErrorReason::LimitReached);
    // One kind goes when the last user of it has signed in.
    world.sign_in("Phc").await;
    import(5).await.is(201);
}

#[tokio::test]
async fn a_hash_needs_a_permission_of_its_own() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    role(&world, &world.admin, "clerk", "gatepost", &["users:post"]).await;
    let path = format!("/v1/users/{}/roles/clerk", alice.id);
    world.put(&world.admin, &path).await.is(204);
    let body = imported("bob", FOREIGN[0].1);
    let refused = world.post(&alice, PATH, body.clone()).await;
    refused.refuses(ErrorReason::PermissionMissing);
    let told = refused.body["detail"].as_str().unwrap();
    assert!(told.contains("gatepost/password-hashes:post"), "{told}");
    world.post(&alice, PATH, new_user("bob", &[])).await.is(201);
    let body = imported("carol", FOREIGN[0].1);
    world.post(&world.admin, PATH, body).await.is(201);
}

#[tokio::test]
async fn passwords_are_as_long_as_the_settings_say_wherever_one_is_set() {
    let world = World::start_with(&[("GATEPOST_PASSWORD_LENGTH_MIN", "20")]).await;
    let short = "nineteen characters";
    let mut body = new_user("alice", &[]);
    body["password"] = json!(short);
    let created = world.post(&world.admin, PATH, body).await;
    created.refuses(ErrorReason::PasswordRefused);
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/update-password", alice.id);
    let body = json!({"oldPassword": PASSWORD, "newPassword": short});
    let updated = world.patch(&alice, &path, body).await;
    updated.refuses(ErrorReason::PasswordRefused);
    let path = format!("/v1/users/{}/reset-password", alice.id);
    let body = json!({"newPassword": short});
    let reset = world.patch(&world.admin, &path, body).await;
    reset.refuses(ErrorReason::PasswordRefused);
    world.sign_in("alice").await;
}
