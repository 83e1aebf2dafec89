//! Password hashes: remembered, made better, and what they cost.

use gatepost_store::{PasswordHash, User};
use sea_orm::ConnectionTrait;
use time::Duration;

use crate::world::{World, draft, now, user};

/// What the migrations from the fifth on made, undone.
pub const UNDO: [&str; 20] = [
    "DROP TABLE passkeys",
    "DROP TABLE mfa_policies",
    "DROP TABLE mfa_challenges",
    "DROP TABLE remembered_devices",
    "DROP TABLE recovery_codes",
    "DROP TABLE user_factors",
    "ALTER TABLE sessions DROP COLUMN issuer",
    "ALTER TABLE applications DROP COLUMN settings",
    "ALTER TABLE organizations DROP COLUMN accent_color",
    "ALTER TABLE sessions DROP COLUMN signed_in_at",
    "ALTER TABLE sessions DROP COLUMN resources",
    "ALTER TABLE sessions DROP COLUMN claims",
    "ALTER TABLE organizations DROP COLUMN password_sign_in",
    "DROP TABLE message_provider_links",
    "DROP TABLE message_providers",
    "DROP TABLE used_marks",
    "ALTER TABLE credentials DROP COLUMN public_key",
    "DROP TABLE password_history",
    "DROP INDEX users_password_work",
    "ALTER TABLE users DROP COLUMN password_work",
];

const OURS: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0";

fn hash(text: &str) -> PasswordHash {
    PasswordHash(text.to_owned())
}

fn with_hash(name: &str, text: &str) -> User {
    User {
        password_hash: hash(text),
        ..user(name)
    }
}

pub async fn so_many_former_passwords_are_kept(world: World) {
    let ann = world.add_user("Ann").await;
    let bob = world.add_user("Bob").await;
    let tx = world.store.write(world.acme).await.unwrap();
    let users = tx.users();
    for number in 1..=6 {
        let later = now() + Duration::seconds(number);
        let next = hash(&format!("hash{number}"));
        users.set_password(ann.id, next, 3, later).await.unwrap();
    }
    let former = users.former_passwords(ann.id, 9).await.unwrap();
    assert_eq!(former, ["hash5", "hash4", "hash3"].map(hash));
    let last = users.former_passwords(ann.id, 1).await.unwrap();
    assert_eq!(last, [hash("hash5")]);
    assert_eq!(users.former_passwords(ann.id, 0).await.unwrap(), []);
    assert_eq!(users.former_passwords(bob.id, 9).await.unwrap(), []);
    // Fewer are wanted, then none, then some again.
    let set = async |text: &str, most| {
        let set = users.set_password(ann.id, hash(text), most, now());
        set.await.unwrap();
        users.former_passwords(ann.id, 9).await.unwrap()
    };
    assert_eq!(set("hash7", 1).await, [hash("hash6")]);
    assert_eq!(set("hash8", 0).await, []);
    assert_eq!(set("hash9", 2).await, [hash("hash8")]);
    // What is remembered goes with its user.
    users.delete(ann.id).await.unwrap();
    assert_eq!(users.former_passwords(ann.id, 9).await.unwrap(), []);
    tx.commit(draft("user.delete")).await.unwrap();
}

pub async fn a_better_hash_replaces_what_was_checked(world: World) {
    let ann = world.add_user("Ann").await;
    let tx = world.store.write(world.acme).await.unwrap();
    let users = tx.users();
    let another = hash("another");
    let other = users.improve_password(ann.id, &another, hash(OURS));
    assert!(!other.await.unwrap());
    assert!(!tx.changed());
    let improved = users.improve_password(ann.id, &ann.password_hash, hash(OURS));
    assert!(improved.await.unwrap());
    let expected = User {
        password_hash: hash(OURS),
        ..ann.clone()
    };
    assert_eq!(users.get(ann.id).await.unwrap(), Some(expected));
    let former = users.former_passwords(ann.id, 9).await.unwrap();
    assert_eq!(former, [], "it is the same password");
    tx.commit(draft("session.start")).await.unwrap();
    let tx = world.store.write(world.globex).await.unwrap();
    let ours = hash(OURS);
    let foreign = tx.users().improve_password(ann.id, &ours, hash("x"));
    assert!(!foreign.await.unwrap());
}

pub async fn each_cost_is_told_once(world: World) {
    const BCRYPT: &str = "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.users().password_works().await.unwrap(), [""; 0]);
    for (name, text) in [
        ("ann", OURS),
        ("bob", BCRYPT),
        ("cem", OURS),
        ("dan", "pbkdf2_sha256$600000$salt$digest"),
        ("eve", BCRYPT),
    ] {
        tx.users().insert(&with_hash(name, text)).await.unwrap();
    }
    tx.commit(draft("user.create")).await.unwrap();
    let tx = world.store.write(world.globex).await.unwrap();
    let elsewhere = with_hash("ann", "$scrypt$ln=16,r=8,p=1$salt$digest");
    tx.users().insert(&elsewhere).await.unwrap();
    tx.commit(draft("user.create")).await.unwrap();

    let ours = "$argon2id$v=19$m=19456,t=2,p=1";
    let mut expected = vec!["$2b$12", "pbkdf2_sha256$600000", ours];
    let sorted = |mut works: Vec<String>| {
        works.sort();
        works
    };
    expected.sort_unstable();
    let sign_in = world.store.sign_in().await.unwrap();
    let told = sign_in.password_works(world.acme).await.unwrap();
    assert_eq!(sorted(told), expected);
    let told = sign_in.password_works(world.globex).await.unwrap();
    assert_eq!(told, ["$scrypt$ln=16,r=8,p=1"]);
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(sorted(tx.users().password_works().await.unwrap()), expected);
    // A cost goes with the last hash that has it.
    let dan = tx.users().by_username("dan").await.unwrap().unwrap();
    let set = tx.users().set_password(dan.id, hash(OURS), 0, now());
    set.await.unwrap();
    expected.retain(|work| !work.starts_with("pbkdf2"));
    assert_eq!(sorted(tx.users().password_works().await.unwrap()), expected);
}

pub async fn hashes_from_before_costs_tell_theirs(world: World) {
    let tx = world.store.write(world.acme).await.unwrap();
    let ann = with_hash("ann", OURS);
    tx.users().insert(&ann).await.unwrap();
    tx.commit(draft("user.create")).await.unwrap();
    let behind = world.behind().await;
    let version = "UPDATE schema_version SET version = 4";
    for step in UNDO.into_iter().chain([version]) {
        behind.execute_unprepared(step).await.unwrap();
    }
    assert!(world.store.check_schema().await.is_err());
    world.store.migrate(now()).await.unwrap();
    let replica = world.replica().await;
    let tx = replica.write(world.acme).await.unwrap();
    let told = tx.users().password_works().await.unwrap();
    assert_eq!(told, ["$argon2id$v=19$m=19456,t=2,p=1"]);
    let set = tx.users().set_password(ann.id, hash("next"), 4, now());
    set.await.unwrap();
    let former = tx.users().former_passwords(ann.id, 4).await.unwrap();
    assert_eq!(former, [hash(OURS)]);
}
