//! Applications of others sign people in with us, through a real browser.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::servers::{free_port, repository_root, tool};
use crate::world::{Actor, PASSWORD, World};

/// A running program of a test's own. Dropping it ends it.
struct Program {
    child: Child,
    port: u16,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world that a browser can reach under its public URL, an application of it, and somebody.
struct Scene {
    world: World,
    issuer: String,
    made: Value,
    alice: String,
}

impl Scene {
    async fn set(settings: Value) -> Self {
        Self::at("127.0.0.1", settings).await
    }

    /// The same under a name of this machine.
    async fn at(host: &str, settings: Value) -> Self {
        let (world, issuer) = world(host, &[]).await;
        let admin = world.admin.clone();
        Self::of(world, issuer, &admin, settings).await
    }

    /// At the issuer of an organization.
    async fn of_an_organization(settings: Value) -> Self {
        let tenants = [("GATEPOST_MULTI_TENANT", "true")];
        let (world, issuer) = world("127.0.0.1", &tenants).await;
        let admin = world.organization("acme").await;
        Self::of(world, format!("{issuer}/o/acme"), &admin, settings).await
    }

    async fn of(world: World, issuer: String, admin: &Actor, settings: Value) -> Self {
        let alice = world.person_of(admin, "alice", &[]).await;
        let body = json!({"name": "Shop", "tokenAlgorithm": "ES256", "settings": settings});
        let made = application(&world, admin, body).await;
        Self {
            world,
            issuer,
            made,
            alice: alice.id,
        }
    }

    fn text(&self, field: &str) -> &str {
        self.made[field].as_str().unwrap_or_default()
    }

    /// Starts an application, which says on which port it listens.
    fn start(&self, mut command: Command) -> Program {
        command
            .env("ISSUER", &self.issuer)
            .env("CLIENT_ID", self.text("clientId"))
            .env("CLIENT_SECRET", self.text("clientSecret"))
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the application starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a piped stdout");
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("ready ").map(str::parse);
        let Some(Ok(port)) = port else {
            panic!("the application does not start: {line}")
        };
        Program { child, port }
    }

    /// Signs alice in with a browser.
    async fn visit(&self, start: String, sign_out: String, more: &[(&str, &str)]) -> Value {
        let mut command = node("sign_in.mjs");
        command
            .env("CHROMIUM", tool("GATEPOST_TEST_CHROMIUM"))
            .env("START", start)
            .env("SIGN_OUT", sign_out)
            .env("USERNAME", "alice")
            .env("PASSWORD", PASSWORD);
        command.envs(more.iter().copied());
        let done = tokio::task::spawn_blocking(move || command.output());
        let done = done.await.unwrap().unwrap();
        let (out, err) = (done.stdout, String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{err}");
        serde_json::from_slice(&out).unwrap()
    }

    /// What the application learned is what is so.
    fn is_alice(&self, shown: &Value) {
        let learned = shown.as_str().unwrap();
        let learned: Value =
            serde_json::from_str(learned).unwrap_or_else(|_| panic!("it shows: {learned}"));
        let claims = &learned["claims"];
        assert_eq!(claims["iss"], self.issuer);
        assert_eq!(
            (&claims["sub"], &learned["userinfo"]["sub"]),
            (&json!(self.alice), &json!(self.alice))
        );
        assert_eq!(learned["userinfo"]["email"], "alice@example.com");
        assert_eq!(learned["userinfo"]["preferred_username"], "alice");
        assert_eq!(learned["refreshed"], true);
        if !self.text("clientSecret").is_empty() {
            assert_eq!(learned["introspected"]["active"], true);
        }
    }

    async fn plays(&self, party: &Program, more: &[(&str, &str)]) {
        let at = |path: &str| format!("http://127.0.0.1:{}{path}", party.port);
        let seen = self.visit(at("/login"), at("/logout"), more).await;
        self.is_alice(&seen["shown"]);
        self.is_alice(&seen["again"]);
        assert_eq!(seen["after"], "at /after?state=bye");
        assert_eq!(seen["refused"], json!([]), "what the browser refused");
        assert!(
            seen["wrong"].as_str().unwrap().contains("is wrong"),
            "{seen}"
        );
    }
}

/// A world that is reached under its public URL, by this name of the machine, and that URL.
async fn world(host: &str, more: &[(&str, &str)]) -> (World, String) {
    let port = free_port();
    let issuer = format!("http://{host}:{port}");
    let listen = format!("127.0.0.1:{port}");
    let own = [
        ("GATEPOST_LISTEN", listen.as_str()),
        ("GATEPOST_PUBLIC_URL", issuer.as_str()),
    ];
    let world = World::start_with(&[&own[..], more].concat()).await;
    (world, issuer)
}

fn settings(is_public: bool) -> Value {
    json!({
        "public": is_public,
        "redirectUris": ["http://127.0.0.1/cb"],
        "postLogoutRedirectUris": ["http://127.0.0.1/after"],
    })
}

fn node(script: &str) -> Command {
    let mut command = Command::new(tool("GATEPOST_TEST_NODE"));
    // The scripts are linked beside their modules, and looked for there.
    command.args(["--preserve-symlinks", "--preserve-symlinks-main"]);
    command.arg(
        repository_root()
            .join("target/test-tools/parties")
            .join(script),
    );
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_signs_people_in() {
    let scene = Scene::set(settings(false)).await;
    let party = scene.start(node("openid_client.mjs"));
    scene.plays(&party, &[]).await;
    scene.plays(&party, &[("SCRIPTS", "off")]).await;
    scene.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_without_a_secret_and_with_a_form_signs_people_in() {
    let scene = Scene::set(settings(true)).await;
    let mut command = node("openid_client.mjs");
    command.env("RESPONSE_MODE", "form_post");
    let party = scene.start(command);
    let consent = ("CONSENT", "1");
    scene.plays(&party, &[consent]).await;
    let bare = [("SCRIPTS", "off"), ("FORM_POST", "1"), consent];
    scene.plays(&party, &bare).await;
    scene.world.close().await;
}

/// The library finds everything below the issuer's path, and compares whose answers they are.
#[tokio::test(flavor = "multi_thread")]
async fn openid_client_signs_people_in_at_the_issuer_of_an_organization() {
    let scene = Scene::of_an_organization(settings(false)).await;
    let party = scene.start(node("openid_client.mjs"));
    scene.plays(&party, &[("SCRIPTS", "off")]).await;
    scene.world.close().await;
}

/// What a browser enforces, it enforces on these pages too: policies of forms, and of frames.
#[tokio::test(flavor = "multi_thread")]
async fn consent_and_a_second_factor_end_at_the_application() {
    let mut settings = settings(false);
    settings["asksConsent"] = json!(true);
    for (scripts, is_by_app) in [("on", true), ("off", false)] {
        let scene = Scene::set(settings.clone()).await;
        let alice = scene.world.sign_in("alice").await;
        let app = scene.world.enrol(&alice).await;
        let code = if is_by_app {
            // The next one, which is taken already, and for longer than this one.
            scene.world.passcode(&app.secret, 1)
        } else {
            app.recovery_codes[0].clone()
        };
        let party = scene.start(node("openid_client.mjs"));
        let at = |path: &str| format!("http://127.0.0.1:{}{path}", party.port);
        let sign_out = format!(
            "{}/oauth/end_session?client_id={}&post_logout_redirect_uri={}&state=bye",
            scene.issuer,
            scene.text("clientId"),
            at("/after")
        );
        let mut command = node("consent.mjs");
        command
            .env("CHROMIUM", tool("GATEPOST_TEST_CHROMIUM"))
            .env("START", at("/login"))
            .env("SIGN_OUT", sign_out)
            .env("FRAMED", format!("{}/signin", scene.issuer))
            .env("USERNAME", "alice")
            .env("PASSWORD", PASSWORD)
            .env("CODE", code)
            .env("SCRIPTS", scripts);
        let done = tokio::task::spawn_blocking(move || command.output());
        let done = done.await.unwrap().unwrap();
        let trouble = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{trouble}");
        let seen: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(seen["asked"], "Allow access?", "{seen}");
        assert!(!seen["list"].as_array().unwrap().is_empty(), "{seen}");
        scene.is_alice(&seen["shown"]);
        scene.is_alice(&seen["again"]);
        let learned: Value = serde_json::from_str(seen["shown"].as_str().unwrap()).unwrap();
        assert_eq!(learned["claims"]["acr"], "urn:gatepost:acr:2");
        // A page that may be framed is seen there, and ours only where nothing frames it.
        assert_eq!(seen["framed"], json!({"ours": 0, "theirs": 1}));
        assert_eq!(seen["bare"], 1);
        assert_eq!(seen["question"], "Sign out?");
        assert_eq!(seen["after"], "at /after?state=bye");
        assert_eq!(seen["refused"], json!([]), "what the browser refused");
        scene.world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_signs_people_in() {
    let scene = Scene::set(settings(false)).await;
    let mut command = Command::new(tool("GATEPOST_TEST_AUTHLIB_PYTHON"));
    command.arg(repository_root().join("tests/parties/authlib_app.py"));
    let party = scene.start(command);
    scene.plays(&party, &[]).await;
    scene.world.close().await;
}

/// A site behind Apache, which proxies what it protects.
fn apache(scene: &Scene, folder: &Path) -> Program {
    let (port, root) = (free_port(), tool("GATEPOST_TEST_APACHE_ROOT"));
    let site = folder.join("www/private");
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("page.txt"), "the page").unwrap();
    std::fs::write(folder.join("www/after.txt"), "at the end").unwrap();
    // It serves as somebody else when it is started by root.
    std::fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let child = Command::new(root.join("sbin/apache2"))
        .args(["-D", "FOREGROUND", "-f"])
        .arg(repository_root().join("tests/parties/apache.conf"))
        .env("APACHE_ROOT", root.join("lib/apache2"))
        .env("LD_LIBRARY_PATH", root.join("lib/apache2-libraries"))
        .env("FOLDER", folder)
        .env("PORT", port.to_string())
        .env("ISSUER", &scene.issuer)
        .env("CLIENT_ID", scene.text("clientId"))
        .env("CLIENT_SECRET", scene.text("clientSecret"))
        .spawn()
        .expect("Apache starts");
    Program { child, port }
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_signs_people_in() {
    let scene = Scene::set(json!({
        "redirectUris": ["http://127.0.0.1/private/back"],
        "postLogoutRedirectUris": ["http://127.0.0.1/after.txt"],
    }))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let site = apache(&scene, folder.path());
    let at = |path: &str| format!("http://127.0.0.1:{}{path}", site.port);
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", site.port)).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let out = format!("/private/back?logout={}", at("/after.txt"));
    let show = at("/private/back?info=json");
    let more = [("SHOW", show.as_str())];
    let seen = scene.visit(at("/private/page.txt"), at(&out), &more).await;
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let told = seen["shown"].as_str().unwrap();
    let told: Value = serde_json::from_str(told).unwrap_or_else(|_| panic!("{seen} {log}"));
    assert_eq!(told["id_token"]["iss"], scene.issuer);
    assert_eq!(told["userinfo"]["sub"], scene.alice);
    assert_eq!(told["userinfo"]["email"], "alice@example.com");
    assert_eq!(
        (&seen["again"], &seen["after"]),
        (&json!("the page"), &json!("at the end"))
    );
    assert_eq!(seen["refused"], json!([]));
    scene.world.close().await;
}

/// Every page is whole, can be read and can be reached by keyboard, whatever it is looked at with.
/// The pictures stay in `target/test-tools/pictures`, for whoever wants to see.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_fit_to_be_seen() {
    let address = "http://127.0.0.1/cb";
    // Passkeys are made for names only.
    let settings = json!({"redirectUris": [address], "asksConsent": true});
    let scene = Scene::at("localhost", settings).await;
    scene.world.person("carol", &[]).await;
    scene.world.person("bob", &["midaz-viewer-group"]).await;
    let policy = json!({"group": "midaz-viewer-group", "mode": "required", "methods": []});
    let (admin, path) = (&scene.world.admin, "/v1/mfa/policies");
    let set = scene.world.call(admin, Method::PUT, path, policy).await;
    set.is(200);
    let path = repository_root().join("target/test-tools/pictures");
    std::fs::create_dir_all(&path).unwrap();
    let authorize = format!(
        "{}/oauth/authorize?client_id={}&redirect_uri={address}&response_type=code&scope=openid+\
         profile+email&code_challenge={}&code_challenge_method=S256",
        scene.issuer,
        scene.text("clientId"),
        super::openid::CHALLENGE
    );
    let mut command = node("pages.mjs");
    command
        .env("CHROMIUM", tool("GATEPOST_TEST_CHROMIUM"))
        .env("BASE", &scene.issuer)
        .env("AUTHORIZE", &authorize)
        .env("USERNAME", "alice")
        .env("ENROLLING", "bob")
        .env("PASSKEYS", "carol")
        .env("PASSWORD", PASSWORD)
        .env("PICTURES", &path);
    let done = tokio::task::spawn_blocking(move || command.output());
    let done = done.await.unwrap().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let seen: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(seen, json!({"found": [], "pictures": 160}));
    scene.world.close().await;
}
