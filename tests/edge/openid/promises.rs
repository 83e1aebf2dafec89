//! Everything that the metadata lists can be done, and what it does not list cannot.

use std::collections::BTreeSet;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CALLBACK, Party, VERIFIER, code_of};
use crate::edge::browser::Browser;
use crate::edge::oauth::assertions::{Key, Signer};
use crate::edge::oauth::send;
use crate::identity::application;
use crate::world::{Answer, World, claims, fields, header, texts};

async fn told(world: &World) -> Value {
    let path = "/.well-known/openid-configuration";
    let document = world.send(world.request(Method::GET, path)).await;
    document.is(200).clone()
}

fn listed(document: &Value, name: &str) -> BTreeSet<String> {
    texts(&document[name]).into_iter().collect()
}

#[tokio::test]
async fn requests_are_answered_as_they_are_listed() {
    let world = World::start().await;
    let document = told(&world).await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let supported = |name: &str| listed(&document, &format!("{name}_supported"));
    for (name, list, words) in [
        (
            "response_type",
            "response_types",
            &["code", "token", "id_token", "none"][..],
        ),
        (
            "response_mode",
            "response_modes",
            &["query", "fragment", "form_post", "web_message", "jwt"],
        ),
        (
            "prompt",
            "prompt_values",
            &["none", "login", "consent", "select_account", "create"],
        ),
        (
            "code_challenge_method",
            "code_challenge_methods",
            &["S256", "plain", "S512"],
        ),
    ] {
        let list = supported(list);
        let mut tried = BTreeSet::new();
        for word in words {
            let shown = browser.get(&party.asks(&[(name, word)])).await;
            let is_refused = shown.status == 303 && shown.location().contains("error=");
            assert_eq!(!is_refused, list.contains(*word), "{name}={word}");
            tried.insert((*word).to_owned());
        }
        assert!(list.is_subset(&tried), "not tried: {list:?}");
    }
    let scopes = supported("scopes");
    for scope in [
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "offline_access",
    ] {
        let code = code_of(&browser.get(&party.asks(&[("scope", scope)])).await);
        let bought = party.redeem(&world, &code, &[]).await;
        let is_given = bought.is(200)["scope"] == scope;
        assert_eq!(is_given, scopes.contains(scope), "{scope}");
    }
    assert_eq!(scopes.len(), 3);
    let locales = supported("ui_locales");
    for locale in ["en", "pt-BR", "de", "es"] {
        browser.language = if locale == "en" { "pt-BR" } else { "en" };
        let path = format!("/oauth/end_session?ui_locales={locale}");
        let page = browser.get(&path).await;
        let is_spoken = page.text.contains(&format!("<html lang=\"{locale}\""));
        assert_eq!(is_spoken, locales.contains(locale), "{locale}");
    }
    assert_eq!(locales.len(), 2);
}

#[tokio::test]
async fn people_are_told_of_as_it_is_listed() {
    let world = World::start().await;
    let document = told(&world).await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let party = Party::new(&world, json!({})).await;
    let other = Party::new(&world, json!({"resources": ["https://x.test"]})).await;
    let acrs = listed(&document, "acr_values_supported");
    let [one, two] = ["urn:gatepost:acr:1", "urn:gatepost:acr:2"];
    assert_eq!(acrs, [one, two].map(str::to_owned).into());
    // With one factor: who has two is not asked for the second one where nobody has to have it.
    let bob = world.person("bob", &[]).await;
    let mut browser = Browser::new(&world);
    let path = party.asks(&[("acr_values", one), ("scope", "openid")]);
    let code = code_of(&browser.walk(&path, "bob").await);
    let id = party.redeem(&world, &code, &[]).await.is(200)["id_token"].clone();
    let id = claims(id.as_str().unwrap());
    assert_eq!((&id["acr"], &id["sub"]), (&json!(one), &json!(bob.id)));
    let mut browser = Browser::new(&world);
    let asked = [
        ("acr_values", two),
        ("scope", "openid profile email"),
        ("nonce", "n"),
    ];
    let path = party.asks(&asked);
    let to_sign_in = browser.get(&path).await;
    let page = browser.fill_in(to_sign_in.location(), "alice").await;
    let (form, challenge) = (page.field("form_token"), page.field("mfa_token"));
    let passcode = world.passcode(&app.secret, 0);
    let typed = [
        ("form_token", form.as_str()),
        ("mfa_token", challenge.as_str()),
        ("code", passcode.as_str()),
    ];
    let back = browser.post(&page.action(), &typed).await;
    let code = code_of(&browser.get(back.location()).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let id = claims(bought.is(200)["id_token"].as_str().unwrap());
    assert_eq!(id["acr"], two);
    let request = world.request(Method::GET, "/oauth/userinfo");
    let access = bought.body["access_token"].as_str().unwrap();
    let about = world.send(request.bearer_auth(access)).await;
    let seen: BTreeSet<String> = fields(&id)
        .into_iter()
        .chain(fields(about.is(200)))
        .map(str::to_owned)
        .collect();
    // The organization is our own claim, which the list need not have.
    let own = BTreeSet::from(["tenantId".to_owned()]);
    let promised = listed(&document, "claims_supported");
    assert_eq!(
        promised.difference(&seen).count(),
        0,
        "{promised:?} {seen:?}"
    );
    let more: BTreeSet<_> = seen.difference(&promised).cloned().collect();
    assert_eq!(more, own);
    // She is the same to everybody.
    assert_eq!(document["subject_types_supported"], json!(["public"]));
    let code = code_of(&browser.get(&other.asks(&[])).await);
    let there = other.redeem(&world, &code, &[]).await;
    let there = claims(there.is(200)["id_token"].as_str().unwrap());
    assert_eq!(there["sub"], id["sub"]);
}

#[tokio::test]
async fn tokens_are_signed_as_it_is_listed() {
    let world = World::start().await;
    let document = told(&world).await;
    world.person("alice", &[]).await;
    let supported = listed(&document, "id_token_signing_alg_values_supported");
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        assert!(supported.contains(algorithm));
        let body = json!({
            "name": algorithm, "tokenAlgorithm": algorithm,
            "settings": {"redirectUris": [CALLBACK]},
        });
        let made = application(&world, &world.admin, body).await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let party = Party {
            id: text("id"),
            client_id: text("clientId"),
            secret: Some(text("clientSecret")),
        };
        let code = party.code(&world, "alice").await;
        let bought = party.redeem(&world, &code, &[]).await;
        let id = bought.is(200)["id_token"].as_str().unwrap();
        assert_eq!(header(id)["alg"], algorithm);
    }
    assert_eq!(supported.len(), 3);
    for algorithm in ["none", "HS256", "PS256", "ES384", "RS512"] {
        let body = json!({"name": algorithm, "tokenAlgorithm": algorithm});
        let refused = world.post(&world.admin, "/v1/applications", body).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
}

/// The ways in which a client can try to prove itself (OpenID Connect Core §9).
const WAYS: [&str; 5] = [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
];

/// Sends a form of a client that proves itself in one of the ways.
async fn proving(
    world: &World,
    way: &str,
    (party, public): (&Party, &Party),
    signer: &Signer<'_>,
    (path, form): (&str, &[(&str, &str)]),
) -> Answer {
    let secret = party.secret.as_deref().unwrap();
    if way == "client_secret_basic" {
        let request = world.request(Method::POST, path).form(form);
        let request = request.basic_auth(&party.client_id, Some(secret));
        return world.send(request).await;
    }
    let own = [("client_id", party.client_id.clone())];
    let proof = match way {
        "client_secret_post" => [&own[..], &[("client_secret", secret.to_owned())]].concat(),
        "private_key_jwt" => signer.proof().to_vec(),
        "none" => vec![("client_id", public.client_id.clone())],
        _ => {
            // Whatever it is signed with: a secret signs nothing here.
            let [kind, (name, _)] = signer.proof();
            let header = json!({"alg": "HS256"});
            vec![kind, (name, signer.key.sign(&header, &signer.claims()))]
        }
    };
    let proof: Vec<_> = proof
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    send(world, path, &[form, &proof[..]].concat()).await
}

#[tokio::test]
async fn clients_prove_themselves_as_it_is_listed() {
    let world = World::start().await;
    let document = told(&world).await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let public = Party::new(&world, json!({"public": true})).await;
    let ids = (party.id.as_str(), party.client_id.as_str());
    let signer = Signer::beside(&world, &world.admin, ids, Key::ed()).await;
    for endpoint in ["token", "introspection", "revocation"] {
        let name = format!("{endpoint}_endpoint_auth_methods_supported");
        let supported = listed(&document, &name);
        for way in WAYS {
            let who = if way == "none" { &public } else { &party };
            let code = who.code(&world, "alice").await;
            let redemption = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ];
            let about = [("token", "x")];
            let asked: (&str, &[(&str, &str)]) = match endpoint {
                "token" => ("/oauth/token", &redemption),
                "introspection" => ("/oauth/introspect", &about),
                _ => ("/oauth/revoke", &about),
            };
            let answer = proving(&world, way, (&party, &public), &signer, asked).await;
            let is_proven = answer.status == 200;
            assert_eq!(is_proven, supported.contains(way), "{endpoint} {way}");
            assert!(is_proven || answer.body["error"] == "invalid_client");
        }
        let known = supported.iter().all(|way| WAYS.contains(&way.as_str()));
        assert!(known, "not tried: {supported:?}");
    }
    let grants = listed(&document, "grant_types_supported");
    for grant in [
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let form = [("grant_type", grant)];
        let way = "client_secret_basic";
        let asked = ("/oauth/token", &form[..]);
        let answer = proving(&world, way, (&party, &public), &signer, asked).await;
        let is_known = answer.body["error"] != "unsupported_grant_type";
        assert_eq!(is_known, grants.contains(grant), "{grant}");
    }
    assert_eq!(grants.len(), 3);
}

#[tokio::test]
async fn keys_of_clients_are_taken_as_it_is_listed() {
    let world = World::start().await;
    let document = told(&world).await;
    let mut taken = BTreeSet::new();
    for key in Key::all() {
        let algorithm = key.algorithm();
        let signer = Signer::of(&world, &world.admin, algorithm, key).await;
        for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
            let proof = signer.proof();
            let form = [("grant_type", "client_credentials"), ("token", "x")];
            let proof = proof
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            send(&world, path, &[&form[..], &proof].concat())
                .await
                .is(200);
        }
        taken.insert(algorithm.to_owned());
    }
    for endpoint in ["token", "introspection", "revocation"] {
        let name = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        assert_eq!(listed(&document, &name), taken, "{endpoint}");
    }
}
