//! The page of one's own sessions.

use gatepost_proto::ErrorReason;
use serde_json::json;

use super::super::browser::{Browser, Shown};
use super::super::openid::{Party, code_of};
use super::{is_guarded, is_signed_in};
use crate::world::{Actor, World, claims};

const PATH: &str = "/sessions";

/// Ends what `what` names, with the form of the page.
async fn end(browser: &mut Browser<'_>, what: &str) -> Shown {
    let token = browser.get(PATH).await.field("form_token");
    let fields = [("form_token", token.as_str()), ("end", what)];
    browser.post(PATH, &fields).await
}

fn sid(actor: &Actor) -> String {
    claims(&actor.token)["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_ends_it() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let kept = world.sign_in("alice").await;
    let mut browser = Browser::new(&world);
    let stranger = browser.get(PATH).await;
    assert_eq!(stranger.location(), "/signin?continue=%2Fsessions");
    let back = browser.fill_in(stranger.location(), "alice").await;
    assert_eq!(back.location(), PATH);
    let page = browser.get(PATH).await;
    assert_eq!(page.status, 200, "{}", page.text);
    is_guarded(&page);
    for text in ["127.0.0.1", "password", "This browser", &sid(&alice)] {
        assert!(page.text.contains(text), "{text} in {}", page.text);
    }
    assert_eq!(
        page.text.matches("name=\"end\"").count(),
        3,
        "{}",
        page.text
    );
    let ended = end(&mut browser, &sid(&alice)).await;
    is_guarded(&ended);
    assert!(ended.text.contains("It has ended."), "{}", ended.text);
    assert!(!ended.text.contains(&sid(&alice)), "{}", ended.text);
    let refused = world.get(&alice, "/v1/userinfo").await;
    refused.refuses(ErrorReason::SessionEnded);
    world.get(&kept, "/v1/userinfo").await.is(200);
    let event = world
        .get(&world.admin, "/v1/audit-events?action=session.end")
        .await;
    let event = &event.is(200)["items"][0];
    assert_eq!(
        (&event["actorId"], &event["targetId"]),
        (&json!(alice.id), &json!(sid(&alice)))
    );
    let again = end(&mut browser, &sid(&alice)).await;
    assert_eq!(again.status, 200, "once more is no error");
}

#[tokio::test]
async fn all_others_end_and_what_is_open_here_stays() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let (mut here, mut there) = (Browser::new(&world), Browser::new(&world));
    let mut tokens = Vec::new();
    for browser in [&mut here, &mut there] {
        let code = code_of(&browser.walk(&party.asks(&[]), "alice").await);
        let bought = party.redeem(&world, &code, &[]).await;
        tokens.push(bought.is(200)["refresh_token"].as_str().unwrap().to_owned());
    }
    let bob = world.person("bob", &[]).await;
    let page = end(&mut here, "others").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains("name=\"end\""), "{}", page.text);
    assert!(
        page.text.contains("app of"),
        "its application is named: {}",
        page.text
    );
    assert!(is_signed_in(&mut here).await && !is_signed_in(&mut there).await);
    let refused = world.get(&alice, "/v1/userinfo").await;
    refused.refuses(ErrorReason::SessionEnded);
    party.refresh(&world, &tokens[0], &[]).await.is(200);
    party.refresh(&world, &tokens[1], &[]).await.is(400);
    world.get(&bob, "/v1/userinfo").await.is(200);
    let path = "/v1/audit-events?action=session.end_others";
    let event = world.get(&world.admin, path).await;
    assert_eq!(event.is(200)["items"][0]["targetId"], alice.id);
}

#[tokio::test]
async fn nobody_ends_what_is_anothers_or_with_a_form_that_is_not_ours() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let others = end(&mut browser, &sid(&bob)).await;
    assert_eq!(others.status, 404, "{}", others.text);
    let nonsense = end(&mut browser, "x").await;
    assert_eq!(nonsense.status, 400, "{}", nonsense.text);
    for fields in [
        vec![("end", "others")],
        vec![("form_token", "x"), ("end", "others")],
    ] {
        assert_eq!(browser.post(PATH, &fields).await.status, 403);
    }
    world.get(&bob, "/v1/userinfo").await.is(200);
    let mut nobody = Browser::new(&world);
    let token = nobody.get("/signin").await.field("form_token");
    let fields = [("form_token", token.as_str()), ("end", "others")];
    assert_eq!(nobody.post(PATH, &fields).await.status, 303);
}

#[tokio::test]
async fn to_end_this_one_is_to_sign_out() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    browser.language = "pt-BR";
    browser.fill_in("/signin", "alice").await;
    let page = browser.get(PATH).await;
    assert!(page.text.contains("Suas sessões"), "{}", page.text);
    let listed = world
        .get(&world.admin, "/v1/audit-events?action=session.start")
        .await;
    let id = listed.is(200)["items"][0]["targetId"]
        .as_str()
        .unwrap()
        .to_owned();
    let gone = end(&mut browser, &id).await;
    assert_eq!(gone.location(), "/signout");
    browser.language = "en";
    assert!(!is_signed_in(&mut browser).await);
}
