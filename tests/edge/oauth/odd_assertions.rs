//! `private_key_jwt` wherever it is promised, and assertions that are signed well and say something
//! odd.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::assertions::{Key, Signer, TYPE};
use super::{is_error, send, text};
use crate::edge::openid::Party;
use crate::world::{Answer, PUBLIC_URL, World, fields};

const TOKEN: &str = "/oauth/token";
/// Time after which nobody is slowed for what went wrong before.
const CALM: Duration = Duration::from_mins(20);

/// Sends a form with a proof, and these fields beside it.
async fn post(world: &World, path: &str, proof: &str, form: &[(&str, &str)]) -> Answer {
    let proof = [("client_assertion_type", TYPE), ("client_assertion", proof)];
    send(world, path, &[form, &proof[..]].concat()).await
}

#[tokio::test]
async fn a_key_proves_its_client_at_every_endpoint() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let ids = (party.id.as_str(), party.client_id.as_str());
    let signer = Signer::beside(&world, &world.admin, ids, Key::ed()).await;
    let other = Signer::of(&world, &world.admin, "other", Key::ed()).await;
    let fresh = |signer: &Signer<'_>| signer.assertion(&signer.claims());
    let code = party.code(&world, "alice").await;
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", crate::edge::openid::CALLBACK),
        ("code_verifier", crate::edge::openid::VERIFIER),
    ];
    let bought = post(&world, TOKEN, &fresh(&signer), &redemption).await;
    let refresh = text(bought.is(200), "refresh_token");
    let turn = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    // Another client's key turns nothing of this one's.
    let refused = post(&world, TOKEN, &fresh(&other), &turn).await;
    is_error(&refused, 400, "invalid_grant");
    let turned = post(&world, TOKEN, &fresh(&signer), &turn).await;
    let access = text(turned.is(200), "access_token");
    let token = [("token", access)];
    let introspect = "/oauth/introspect";
    let told = post(&world, introspect, &fresh(&signer), &token).await;
    assert_eq!(told.is(200)["active"], true);
    // What was shown at one endpoint is used up at all of them.
    let once = fresh(&signer);
    post(&world, introspect, &once, &token).await.is(200);
    for path in [introspect, "/oauth/revoke"] {
        let replayed = post(&world, path, &once, &token).await;
        is_error(&replayed, 401, "invalid_client");
        assert!(replayed.body.get("active").is_none());
    }
    let told = post(&world, introspect, &fresh(&signer), &token).await;
    assert_eq!(told.is(200)["active"], true, "nothing was revoked");
    let revoke = "/oauth/revoke";
    post(&world, revoke, &fresh(&other), &token).await.is(200);
    let told = post(&world, introspect, &fresh(&signer), &token).await;
    assert_eq!(told.is(200)["active"], true, "it is not the other's");
    post(&world, revoke, &fresh(&signer), &token).await.is(200);
    let told = post(&world, introspect, &fresh(&signer), &token).await;
    assert_eq!(fields(told.is(200)), ["active"]);
}

#[tokio::test]
async fn an_assertion_speaks_of_one_client() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let other = Signer::of(&world, &world.admin, "other", Key::ed()).await;
    let grant = [("grant_type", "client_credentials")];
    let named = |id: &str| [grant[0], ("client_id", id)].map(|(a, b)| (a, b.to_owned()));
    for (id, is_good) in [(&signer.id, true), (&other.id, false)] {
        let form = named(id);
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let proof = signer.assertion(&signer.claims());
        let answer = post(&world, TOKEN, &proof, &form).await;
        if is_good {
            answer.is(200);
        } else {
            is_error(&answer, 401, "invalid_client");
        }
    }
    // Issuer and subject are the client, both of them (RFC 7523 §3).
    for (issuer, subject) in [
        (&signer.id, &other.id),
        (&other.id, &signer.id),
        (&other.id, &other.id),
    ] {
        world.pass(CALM).await;
        let mut claims = signer.claims();
        claims["iss"] = json!(issuer);
        claims["sub"] = json!(subject);
        let refused = signer.show(&signer.assertion(&claims)).await;
        is_error(&refused, 401, "invalid_client");
    }
    // And it is for this issuer, not for another one of the same installation.
    for audience in [
        json!(format!("{PUBLIC_URL}/o/default")),
        json!(format!("{PUBLIC_URL}/")),
        json!(format!("{PUBLIC_URL}/oauth/introspect")),
        json!([]),
        json!([""]),
        Value::Null,
    ] {
        world.pass(CALM).await;
        let mut claims = signer.claims();
        claims["aud"] = audience.clone();
        let refused = signer.show(&signer.assertion(&claims)).await;
        is_error(&refused, 401, "invalid_client");
    }
    signer
        .show(&signer.assertion(&signer.claims()))
        .await
        .is(200);
}

#[tokio::test]
async fn a_key_that_is_named_is_the_one_that_signed() {
    let world = World::start().await;
    // The key of this kind is registered with an id.
    let [_, _, named, _] = Key::all();
    let own = named.jwk()["kid"].clone();
    let signer = Signer::of(&world, &world.admin, "robot", named).await;
    let shown = async |header: Value| {
        let assertion = signer.key.sign(&header, &signer.claims());
        signer.show(&assertion).await
    };
    shown(json!({"alg": "ES256", "kid": own})).await.is(200);
    shown(json!({"alg": "ES256"})).await.is(200);
    for kid in [json!("other"), json!(""), json!(7), json!([own])] {
        let refused = shown(json!({"alg": "ES256", "kid": kid})).await;
        is_error(&refused, 401, "invalid_client");
    }
}

/// All of these have a good signature.
#[tokio::test]
async fn odd_assertions_prove_nothing() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let refused = async |assertion: &dyn Fn() -> String, what: &str| {
        world.pass(CALM).await;
        let answer = signer.show(&assertion()).await;
        assert_eq!(answer.status, 401, "{what}");
        is_error(&answer, 401, "invalid_client");
    };
    let Key::Ed(key) = &signer.key else {
        unreachable!("it was made so");
    };
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = |header: &str, second: &str| {
        let message = format!("{}.{second}", part(header));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    };
    let plain = r#"{"alg":"EdDSA"}"#;
    let said = || signer.claims().to_string();
    signer.show(&signed(plain, &part(&said()))).await.is(200);
    // Extensions that must be understood are not (RFC 7515 §4.1.11).
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", r#"["x"]"#] {
        let header = format!(r#"{{"alg":"EdDSA","crit":{crit},"exp":1,"b64":true,"x":1}}"#);
        refused(&|| signed(&header, &part(&said())), crit).await;
    }
    let header = r#"{"alg":"EdDSA","b64":false,"crit":["b64"]}"#;
    refused(&|| signed(header, &said().replace('.', "")), "b64").await;
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"none","alg":"EdDSA"}"#,
        r#"["EdDSA"]"#,
        r#"{"alg":["EdDSA"]}"#,
        "{}",
        "",
    ] {
        refused(&|| signed(header, &part(&said())), header).await;
    }
    // A token in a token, and one that would have to be decrypted.
    let inner = || signer.assertion(&signer.claims());
    let nested = r#"{"alg":"EdDSA","cty":"JWT"}"#;
    refused(&|| signed(nested, &part(&inner())), "a token in one").await;
    let five = || format!("{}.{}.{}", inner(), part("x"), part("y"));
    refused(&five, "five parts").await;
    let twice = |name: &str| {
        let claims = signer.claims();
        let member = format!("{{\"{name}\":{},", claims[name]);
        claims.to_string().replacen('{', &member, 1)
    };
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        refused(&|| signed(plain, &part(&twice(name))), name).await;
    }
    let list = || {
        let all = signer.claims();
        let members = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
        json!(members.map(|name| all[name].clone())).to_string()
    };
    refused(&|| signed(plain, &part(&list())), "a list").await;
    let deep = format!("{{\"deep\":{}1{},", "[".repeat(1000), "]".repeat(1000));
    let bare = "[".repeat(2000);
    refused(&|| signed(plain, &part(&bare)), "depth").await;
    refused(&|| signed(&bare, &part(&said())), "depth of the header").await;
    // A claim that nobody knows is skipped, however deep.
    world.pass(CALM).await;
    let known = said().replacen('{', &deep, 1);
    signer.show(&signed(plain, &part(&known))).await.is(200);
    let long = format!("{{\"x\":\"{}\",", "x".repeat(9000));
    let long = || said().replacen('{', &long, 1);
    refused(&|| signed(plain, &part(&long())), "length").await;
}
