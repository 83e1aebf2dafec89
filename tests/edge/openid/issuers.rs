//! An issuer of one organization, beside that of the default one and that of another.

use reqwest::Method;
use serde_json::{Value, json};

use super::back_channel::Ear;
use super::{CALLBACK, Party, VERIFIER};
use crate::edge::browser::{Browser, Shown};
use crate::servers::free_port;
use crate::world::{Actor, Answer, PUBLIC_URL, World, claims, fields};

const AFTER: &str = "https://app.test/after";

/// An application at the issuer of its organization, and a person of that.
struct Place<'w> {
    world: &'w World,
    /// The issuer's path.
    base: &'static str,
    party: Party,
    admin: Actor,
    username: String,
}

impl<'w> Place<'w> {
    /// Of the organization of `admin`.
    async fn of(
        world: &'w World,
        base: &'static str,
        admin: &Actor,
        mut settings: Value,
    ) -> Place<'w> {
        settings["postLogoutRedirectUris"] = json!([AFTER]);
        let username = format!("ann{}", base.replace('/', "-"));
        world.person_of(admin, &username, &[]).await;
        Self {
            world,
            base,
            party: Party::of(world, admin, settings).await,
            admin: admin.clone(),
            username,
        }
    }

    fn issuer(&self) -> String {
        format!("{PUBLIC_URL}{}", self.base)
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn asks(&self, over: &[(&str, &str)]) -> String {
        self.path(&self.party.asks(over))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.world.request(Method::POST, &self.path(path));
        let request = request.basic_auth(&self.party.client_id, self.party.secret.as_ref());
        self.world.send(request.form(form)).await
    }

    async fn redeem(&self, code: &str) -> Answer {
        self.post("/oauth/token", &redemption(code)).await
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post("/oauth/token", &turn(token)).await
    }

    async fn user_info(&self, token: &str) -> Answer {
        let request = self
            .world
            .request(Method::GET, &self.path("/oauth/userinfo"));
        self.world.send(request.bearer_auth(token)).await
    }

    /// A code of somebody who may have to sign in first.
    async fn code(&self, browser: &mut Browser<'_>) -> String {
        let back = browser.walk(&self.asks(&[]), &self.username).await;
        self.told(&back, "code")
    }

    /// What is told of an answer that says from whom it is.
    #[track_caller]
    fn told(&self, back: &Shown, name: &str) -> String {
        assert_eq!(back.told("iss"), self.issuer());
        assert_eq!(back.told("state"), "s t&a");
        back.told(name)
    }

    async fn is_signed_in(&self, browser: &mut Browser<'_>) -> bool {
        let page = browser.get(&self.path("/signin")).await;
        page.text.contains("Signed in as")
    }

    /// How often the organization changed.
    async fn revision(&self) -> u64 {
        let users = self.world.get(&self.admin, "/v1/users?limit=1").await;
        users.revision()
    }
}

fn redemption(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

fn turn(token: &str) -> [(&'static str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_organizations_issuer_does_what_the_root_does() {
    let port = free_port();
    let origin = format!("http://127.0.0.1:{port}");
    let world = World::start_with(&[
        ("GATEPOST_MULTI_TENANT", "true"),
        ("GATEPOST_OUTBOUND_ALLOWED_ORIGINS", &origin),
    ])
    .await;
    let acme = world.organization("acme").await;
    let ear = Ear::open(port, 0).await;
    for (base, admin) in [("", &world.admin), ("/o/acme", &acme)] {
        let settings = json!({"backchannelLogoutUri": format!("{origin}/logout")});
        let place = Place::of(&world, base, admin, settings).await;
        let heard = usize::from(!base.is_empty());
        goes_all_the_way(&place, &ear, heard).await;
    }
}

/// From the first request to the end of the session.
async fn goes_all_the_way(place: &Place<'_>, ear: &Ear, heard: usize) {
    let (world, issuer) = (place.world, place.issuer());
    let mut browser = Browser::new(world);
    let silent = browser.get(&place.asks(&[("prompt", "none")])).await;
    assert_eq!(place.told(&silent, "error"), "login_required");
    let to_sign_in = browser.get(&place.asks(&[])).await;
    let sign_in = place.path("/signin?");
    assert!(to_sign_in.location().starts_with(&sign_in), "{sign_in}");
    let code = place.code(&mut browser).await;
    let bought = place.redeem(&code).await.is(200).clone();
    let (id, access) = (text(&bought, "id_token"), text(&bought, "access_token"));
    assert_eq!(claims(&id)["iss"], issuer);
    assert_eq!(claims(&access)["iss"], issuer);
    assert_eq!(
        place.user_info(&access).await.is(200)["sub"],
        claims(&id)["sub"]
    );
    let told = place.post("/oauth/introspect", &[("token", &access)]).await;
    assert_eq!(
        (&told.is(200)["active"], &told.body["iss"]),
        (&json!(true), &json!(issuer))
    );
    let turned = place.refresh(&text(&bought, "refresh_token")).await;
    for name in ["id_token", "access_token"] {
        assert_eq!(claims(&text(turned.is(200), name))["iss"], issuer, "{name}");
    }
    // By a form, whose answer is a form.
    let over = [("response_mode", "form_post")];
    let form = browser.get(&place.asks(&over)).await;
    assert_eq!(form.field("iss"), issuer);
    // Somebody else may be asked whether she wants to, and her browser is kept within the issuer.
    let asked = browser.get(&place.asks(&[("prompt", "consent")])).await;
    assert!(asked.action().starts_with(&place.path("/oauth/consent?")));
    let fields = [
        ("form_token", asked.field("form_token")),
        ("decision", "allow".to_owned()),
    ];
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let allowed = browser.post(&asked.action(), &fields).await;
    let code = place.told(&allowed, "code");
    // Signing out ends what is there, and the application is told by the same issuer.
    let gone = format!("/oauth/end_session?id_token_hint={id}&post_logout_redirect_uri={AFTER}");
    let back = browser.get(&place.path(&gone)).await;
    assert_eq!(back.location(), AFTER);
    assert!(!place.is_signed_in(&mut browser).await);
    assert_eq!(place.user_info(&access).await.status, 401);
    assert_eq!(place.redeem(&code).await.is(400)["error"], "invalid_grant");
    let tokens = ear.heard(heard + 1).await;
    assert_eq!(claims(&tokens[heard])["iss"], issuer);
    assert_eq!(claims(&tokens[heard])["sid"], claims(&id)["sid"]);
}

/// What one issuer gave is nothing at another, and stays good at its own.
#[tokio::test]
async fn neither_issuer_takes_the_others() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let own = Place::of(&world, "/o/acme", &acme, json!({})).await;
    let others = [
        Place::of(&world, "", &world.admin, json!({})).await,
        Place::of(&world, "/o/globex", &globex, json!({})).await,
    ];
    let mut browser = Browser::new(&world);
    let code = own.code(&mut browser).await;
    let tokens = own.redeem(&code).await.is(200).clone();
    let (id, access) = (text(&tokens, "id_token"), text(&tokens, "access_token"));
    let refresh = text(&tokens, "refresh_token");
    let fresh = own.code(&mut browser).await;
    let before = own.revision().await;
    for other in &others {
        let at = other.base;
        // The client is not known there, and its person is sent nowhere.
        let page = browser.get(&other.path(&own.party.asks(&[]))).await;
        assert_eq!(page.status, 400, "{at}");
        assert!(page.headers.get("location").is_none(), "{at}");
        for form in [&redemption(&fresh)[..], &turn(&refresh)] {
            let request = world.request(Method::POST, &other.path("/oauth/token"));
            let request = request.basic_auth(&own.party.client_id, own.party.secret.as_ref());
            let refused = world.send(request.form(form)).await;
            assert_eq!(refused.is(401)["error"], "invalid_client", "{at}");
        }
        // A client that is known there cannot do anything with what it found.
        for refused in [other.redeem(&fresh).await, other.refresh(&refresh).await] {
            assert_eq!(refused.is(400)["error"], "invalid_grant", "{at}");
        }
        for token in [&access, &refresh, &id] {
            let told = other.post("/oauth/introspect", &[("token", token)]).await;
            assert_eq!(fields(told.is(200)), ["active"], "{at}");
            assert_eq!(told.body["active"], false, "{at}");
            other
                .post("/oauth/revoke", &[("token", token)])
                .await
                .is(200);
        }
        assert_eq!(other.user_info(&access).await.status, 401, "{at}");
        opens_nothing(other, &browser, &id).await;
    }
    assert_eq!(own.revision().await, before, "nothing was written");
    own.user_info(&access).await.is(200);
    own.refresh(&refresh).await.is(200);
    own.redeem(&fresh).await.is(200);
    assert!(own.is_signed_in(&mut browser).await);
}

/// Her cookie signs nobody in at another issuer, whatever it is called, and a hint from here ends
/// nothing there and leads nowhere.
async fn opens_nothing(other: &Place<'_>, browser: &Browser<'_>, id: &str) {
    let (world, at) = (other.world, other.base);
    let slug = other
        .base
        .rsplit('/')
        .next()
        .filter(|slug| !slug.is_empty());
    let mut thief = Browser::new(world);
    let cookie = browser.cookies["__Host-gatepost.acme"].clone();
    for name in ["acme", slug.unwrap_or("default"), "system"] {
        let name = format!("__Host-gatepost.{name}");
        thief.cookies.insert(name, cookie.clone());
    }
    assert!(!other.is_signed_in(&mut thief).await, "{at}");
    let silent = thief.get(&other.asks(&[("prompt", "none")])).await;
    assert_eq!(other.told(&silent, "error"), "login_required", "{at}");
    let hinted = format!("/oauth/end_session?id_token_hint={id}");
    let page = thief.get(&other.path(&hinted)).await;
    assert_eq!(page.status, 200, "{at}");
    let leads = format!("{hinted}&post_logout_redirect_uri={AFTER}");
    let page = Browser::new(world).get(&other.path(&leads)).await;
    assert_eq!(page.status, 400, "{at}");
}

/// A suspended organization's issuer is closed, and one that is none was never open.
#[tokio::test]
async fn an_issuer_that_is_closed_lets_nobody_in() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    let place = Place::of(&world, "/o/acme", &acme, json!({})).await;
    let mut browser = Browser::new(&world);
    let code = place.code(&mut browser).await;
    let tokens = place.redeem(&code).await.is(200).clone();
    let fresh = place.code(&mut browser).await;
    let organization = claims(&acme.token)["tenantId"].as_str().unwrap().to_owned();
    let path = format!("/v1/organizations/{organization}");
    let suspended = json!({"status": "suspended"});
    world.patch(&world.admin, &path, suspended).await.is(200);
    let page = browser.get(&place.asks(&[])).await;
    assert_eq!(page.status, 403);
    assert!(page.headers.get("location").is_none());
    for refused in [
        place.redeem(&fresh).await,
        place.refresh(&text(&tokens, "refresh_token")).await,
        place.user_info(&text(&tokens, "access_token")).await,
    ] {
        assert!(refused.status.is_client_error(), "{}", refused.body);
    }
    let nowhere = browser
        .get(&format!("/o/nobody{}", place.party.asks(&[])))
        .await;
    assert_eq!(nowhere.status, 404);
}
