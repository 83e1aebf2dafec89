//! A server with a certificate of a private authority, and all who call it over TLS: a sidecar, a
//! gate in the product's process, a client and a guard.

use std::path::PathBuf;
use std::time::Duration;

use gatepost_client::Client;
use gatepost_client::guard::{Guard, Need, Refusal};
use gatepost_client::local::{Ask, Local, LocalConfig, NO_ATTRIBUTES};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::guard::Product;
use crate::process::{Home, Running};
use crate::rest::{Rest, Subject};

const PATIENCE: Duration = Duration::from_secs(30);

/// Who vouches for servers.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// PEM texts of a certificate for `localhost` and of its key.
    fn vouch(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A server over TLS, an authority that vouches for it, and one that does not.
struct Scene {
    home: Home,
    _server: Running,
    url: String,
    rest: Rest,
    admin: String,
    alice: Subject,
    sidecar: Subject,
    authority: String,
    stranger: String,
}

impl Scene {
    async fn new() -> Self {
        let authority = Authority::new("of this house");
        let stranger = Authority::new("of another one").pem;
        let home = Home::empty();
        let (certificate, key) = authority.vouch();
        let certificate = file(&home, "cert.pem", &certificate);
        let key = file(&home, "key.pem", &key);
        let server = home.serve(&[
            ("GATEPOST_TLS_CERT", certificate.to_str().unwrap()),
            ("GATEPOST_TLS_KEY", key.to_str().unwrap()),
        ]);
        let url = format!("https://localhost:{}", home.port);
        let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([root]);
        let rest = Rest {
            base: url.clone(),
            http: http.timeout(PATIENCE).build().unwrap(),
        };
        let admin = rest.token("admin").await;
        let alice = rest.person(&admin, "alice", &["midaz-viewer-group"]).await;
        let roles = ["gatepost-sidecar-role"];
        let sidecar = rest.machine(&admin, "sidecar", &roles).await;
        Self {
            home,
            _server: server,
            url,
            rest,
            admin,
            alice,
            sidecar,
            authority: authority.pem,
            stranger,
        }
    }

    /// The settings of a sidecar that trusts those whom this file names.
    fn sidecar<'a>(&'a self, url: &'a str, authorities: &'a str) -> [(&'a str, &'a str); 6] {
        [
            ("GATEPOST_ONLY", "authorize"),
            ("GATEPOST_UPSTREAM", url),
            ("GATEPOST_UPSTREAM_CLIENT_ID", &self.sidecar.client_id),
            (
                "GATEPOST_UPSTREAM_CLIENT_SECRET",
                &self.sidecar.client_secret,
            ),
            ("GATEPOST_UPSTREAM_PRODUCTS", "midaz"),
            ("GATEPOST_UPSTREAM_CA_FILE", authorities),
        ]
    }

    fn local(&self, authorities: &str) -> LocalConfig {
        let Subject {
            client_id,
            client_secret,
            ..
        } = &self.sidecar;
        LocalConfig::new(&self.url, client_id, client_secret, &["midaz"])
            .with_authorities(authorities)
            .with_bound(PATIENCE)
    }

    fn guard(&self, authorities: &str) -> Guard {
        let path = file(&self.home, "guard.pem", authorities);
        let guard = Guard::from_settings("midaz", |name| match name {
            "PLUGIN_AUTH_ADDRESS" => Some(self.url.clone()),
            "PLUGIN_AUTH_CA_FILE" => Some(path.to_str().unwrap().to_owned()),
            "AUTH_DEADLINE_MS" => Some("20000".to_owned()),
            _ => None,
        });
        guard.unwrap()
    }
}

fn file(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_is_fed_over_tls() {
    let scene = Scene::new().await;
    let authorities = file(&scene.home, "ca.pem", &scene.authority);
    let home = Home::empty();
    let settings = scene.sidecar(&scene.url, authorities.to_str().unwrap());
    let sidecar = home.serve(&settings);
    let begun = Instant::now();
    while !sidecar.rest.may_get(&scene.alice.token).await.is_yes() {
        assert!(begun.elapsed() < PATIENCE);
    }
    let path = format!("/v1/users/{}", scene.alice.id);
    let rest = &scene.rest;
    rest.must(&scene.admin, "DELETE", &path, Value::Null).await;
    loop {
        let answer = sidecar.rest.may_get(&scene.alice.token).await;
        if answer.reason() == "USER_GONE" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_sidecar_says_that_nobody_vouches_for_its_centre() {
    let scene = Scene::new().await;
    let home = Home::empty();
    let here = format!("http://127.0.0.1:{}", scene.home.port);
    let stranger = file(&scene.home, "stranger.pem", &scene.stranger);
    let stranger = stranger.to_str().unwrap();
    for (url, authorities, expected) in [
        (&scene.url, stranger, "nobody who is trusted vouches"),
        (&scene.url, stranger, "UnknownIssuer"),
        (&scene.url, "/dev/null", "needs a certificate"),
        (&scene.url, "/nowhere", "No such file"),
        (&scene.url, "", "is needed for https"),
        (&here, stranger, "goes with an https"),
    ] {
        let line = home.refusal(&scene.sidecar(url, authorities));
        assert!(line.contains("GATEPOST_UPSTREAM_CA_FILE"), "{line}");
        assert!(line.contains(expected), "{line}");
        assert!(!line.contains(&scene.sidecar.client_secret), "{line}");
    }
    // The certificate is of another name.
    let elsewhere = scene.url.replace("localhost", "127.0.0.1");
    let ours = file(&scene.home, "ours.pem", &scene.authority);
    let line = home.refusal(&scene.sidecar(&elsewhere, ours.to_str().unwrap()));
    assert!(line.contains("nobody who is trusted vouches"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_gate_is_fed_over_tls_by_whom_it_trusts() {
    let scene = Scene::new().await;
    let gate = Local::connect(scene.local(&scene.authority)).await.unwrap();
    let ask = Ask {
        sub: "",
        product: "midaz",
        resource: "accounts",
        action: "get",
        attributes: &NO_ATTRIBUTES,
    };
    let answer = gate.may(&scene.alice.token, &ask).await.unwrap();
    assert!(answer.allowed, "{answer:?}");

    for (authorities, expected) in [
        (&*scene.stranger, "nobody who is trusted vouches"),
        ("no certificate", "needs a certificate"),
    ] {
        let refused = Local::connect(scene.local(authorities)).await.err();
        let refused = refused.unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_and_a_guard_trust_a_private_authority() {
    let scene = Scene::new().await;
    let client = Client::connect_trusting(&scene.url, &scene.authority).await;
    let client = client.unwrap().with_token(&scene.alice.token).unwrap();
    let answer = client.may("midaz", "accounts", "get").await.unwrap();
    assert!(answer.authorized, "{answer:?}");
    for authorities in [&*scene.stranger, "no certificate"] {
        let refused = Client::connect_trusting(&scene.url, authorities).await;
        let refused = refused.err().unwrap().to_string();
        let expected = ["UnknownIssuer", "no certificate"];
        assert!(
            expected.iter().any(|word| refused.contains(word)),
            "{refused}"
        );
    }

    let need = Need::new("accounts", "get");
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", scene.alice.token);
    headers.insert(AUTHORIZATION, bearer.parse().unwrap());
    let decision = scene.guard(&scene.authority).check(&headers, &need).await;
    assert!(decision.is_ok(), "{decision:?}");
    let guard = scene.guard(&scene.stranger);
    let refusal = guard.check(&headers, &need).await;
    assert!(matches!(refusal, Err(Refusal::Unavailable)), "{refusal:?}");
    assert_eq!(guard.unavailable(), 1);
}

#[tokio::test]
async fn a_product_trusts_whom_its_machine_trusts() {
    let scene = Scene::new().await;
    let system = file(&scene.home, "system.pem", &scene.authority);
    let home = Home::empty();
    let settings = [
        ("PLUGIN_AUTH_ADDRESS", &*scene.url),
        ("AUTH_DEADLINE_MS", "20000"),
        ("SSL_CERT_FILE", system.to_str().unwrap()),
    ];
    let product = Product::start(&home, "protected_http", &settings);
    let call = reqwest::Client::new().get(format!("{}/v1/accounts", product.url));
    let answer = call.bearer_auth(&scene.alice.token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
