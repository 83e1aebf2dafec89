//! An administrator who may do something, and wants to do everything.

use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::{application, fresh, group, make, user, user_body};
use crate::wire::assert_problem;
use crate::world::{Actor, Answer, World};

/// What the limited administrator may do, and nothing but this.
const LIMITED: [&str; 4] = ["users", "groups", "roles", "applications"];

/// Somebody who may administer users, groups, roles and applications, and may give nothing else:
/// no reset of passwords, no product's roles, no audit log.
pub async fn limited(world: &World) -> Actor {
    limited_of(world, &world.admin).await
}

/// As [`limited`], in the organization of `admin`.
pub async fn limited_of(world: &World, admin: &Actor) -> Actor {
    let permissions: Vec<Value> = LIMITED
        .iter()
        .flat_map(|resource| {
            let actions = ["get", "post", "patch", "delete"].into_iter();
            actions.map(move |action| json!({"resource": resource, "action": action}))
        })
        .collect();
    let role = json!({"name": "limited", "product": "gatepost", "permissions": permissions});
    make(world, admin, "/v1/roles", role).await;
    let name = fresh("limited");
    let person = world.person_of(admin, &name, &[]).await;
    let path = format!("/v1/users/{}/roles/limited", person.id);
    let answer = world.call(admin, Method::PUT, &path, json!({})).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.body);
    person
}

/// Asserts a refusal for escalation.
pub fn assert_escalation(answer: &Answer, what: &str) {
    assert_problem(answer, what);
    let expected = (403, "ESCALATION_REFUSED");
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        expected,
        "{what}: {}",
        answer.body
    );
}

/// `PUT` of nothing.
pub async fn put(world: &World, actor: &Actor, path: &str) -> Answer {
    world.call(actor, Method::PUT, path, json!({})).await
}

/// `PATCH` of a body.
pub async fn patch(world: &World, actor: &Actor, path: &str, body: Value) -> Answer {
    world.call(actor, Method::PATCH, path, body).await
}

#[tokio::test]
async fn no_membership_gives_what_the_giver_lacks() {
    let world = World::start().await;
    let me = limited(&world).await;
    let stranger = user(&world, &me).await;
    for name in [
        "admin-group",
        "gatepost-editor-group",
        "midaz-viewer-group",
        "ADMIN-GROUP",
    ] {
        for who in [&me.id, &stranger] {
            let what = format!("{name} {who}");
            let path = format!("/v1/groups/{name}/members/{who}");
            assert_escalation(&put(&world, &me, &path).await, &what);
            let path = format!("/v1/users/{who}");
            assert_escalation(
                &patch(&world, &me, &path, json!({"groups": [name]})).await,
                &what,
            );
        }
        let mut body = user_body(&fresh("puppet"));
        body["groups"] = json!([name]);
        assert_escalation(
            &world.call(&me, Method::POST, "/v1/users", body).await,
            name,
        );
    }
    // Nor is anybody thrown out of them.
    let path = format!("/v1/groups/admin-group/members/{}", world.admin.id);
    assert_escalation(&world.delete(&me, &path).await, "out of admin-group");
    let path = format!("/v1/users/{}", world.admin.id);
    assert_escalation(
        &patch(&world, &me, &path, json!({"groups": []})).await,
        "no groups",
    );
}

#[tokio::test]
async fn no_nesting_gives_what_the_giver_lacks() {
    let world = World::start().await;
    let me = limited(&world).await;
    let mine = group(&world, &me).await;
    let path = format!("/v1/groups/{mine}/members/{}", me.id);
    assert_eq!(put(&world, &me, &path).await.status.as_u16(), 204);
    // Into the strong group, or into one that is in it.
    let body = json!({"groups": [mine]});
    let into = patch(&world, &me, "/v1/groups/admin-group", body.clone()).await;
    assert_escalation(&into, "into admin-group");
    let middle = make(
        &world,
        &world.admin,
        "/v1/groups",
        json!({"name": "middle"}),
    )
    .await;
    let nested = json!({"groups": ["middle"]});
    let answer = patch(&world, &world.admin, "/v1/groups/admin-group", nested).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_escalation(
        &patch(&world, &me, "/v1/groups/middle", body).await,
        "into middle",
    );
    let path = format!("/v1/groups/middle/members/{}", me.id);
    assert_escalation(&put(&world, &me, &path).await, "member of middle");
    // Nor is the strong one emptied.
    let emptied = patch(&world, &me, "/v1/groups/admin-group", json!({"groups": []})).await;
    assert_escalation(&emptied, "emptied");
    let deleted = world
        .delete(
            &me,
            &format!("/v1/groups/{}", middle["id"].as_str().unwrap()),
        )
        .await;
    assert_ne!(deleted.reason(), "INTERNAL", "{}", deleted.body);
    // A group of one's own around the strong one gives its members no more than one has.
    let around = make(
        &world,
        &me,
        "/v1/groups",
        json!({"name": "around", "groups": ["admin-group"]}),
    );
    let around = around.await;
    let path = format!(
        "/v1/groups/{}/roles/gatepost-editor-role",
        around["id"].as_str().unwrap()
    );
    assert_escalation(&put(&world, &me, &path).await, "role of around");
}

#[tokio::test]
async fn no_role_is_given_that_allows_more_than_the_giver_may() {
    let world = World::start().await;
    let me = limited(&world).await;
    let (group, application) = (group(&world, &me).await, application(&world, &me).await);
    let machine = application["id"].as_str().unwrap();
    let strong = [
        "gatepost-editor-role",
        "gatepost-system-administrator-role",
        "midaz-editor-role",
    ];
    for role in strong {
        for path in [
            format!("/v1/users/{}/roles/{role}", me.id),
            format!("/v1/groups/{group}/roles/{role}"),
            format!("/v1/applications/{machine}/roles/{role}"),
        ] {
            assert_escalation(&put(&world, &me, &path).await, &path);
        }
        let body = json!({"name": fresh("machine"), "roles": [role]});
        let made = world
            .call(&me, Method::POST, "/v1/applications", body)
            .await;
        assert_escalation(&made, role);
        let path = format!("/v1/applications/{machine}");
        assert_escalation(
            &patch(&world, &me, &path, json!({"roles": [role]})).await,
            role,
        );
    }
    // A product's name for a name brings the product's role, which must be given too.
    let body = json!({"name": "midaz"});
    let made = world
        .call(&me, Method::POST, "/v1/applications", body)
        .await;
    assert_escalation(&made, "the machine of midaz");
    // Nor is a strong one taken from anybody.
    let path = "/v1/groups/gatepost-editor-group/roles/gatepost-editor-role";
    assert_escalation(&world.delete(&me, path).await, path);
}

#[tokio::test]
async fn no_role_is_written_that_allows_more_than_its_writer_may() {
    let world = World::start().await;
    let me = limited(&world).await;
    let line = |resource: &str, action: &str, effect: &str| {
        let mut line = json!({"resource": resource, "action": action});
        line["effect"] = effect.into();
        line
    };
    let allow = "PERMISSION_EFFECT_ALLOW";
    let mine = json!({
        "name": "mine", "product": "gatepost", "permissions": [line("users", "get", allow)],
    });
    make(&world, &me, "/v1/roles", mine).await;
    for (product, resource, action) in [
        ("gatepost", "reset-password", "patch"),
        ("gatepost", "grants", "midaz"),
        ("gatepost", "grants", "*"),
        ("gatepost", "users", "*"),
        ("gatepost", "*", "get"),
        ("gatepost", "*", "*"),
        ("plugin-identity", "audit-events", "get"),
        ("gatepost-system", "organizations", "get"),
        ("midaz", "accounts", "get"),
        ("plugin-smart-templates", "reports", "get"),
    ] {
        let what = format!("{product}/{resource}:{action}");
        let permissions = json!([line("users", "get", allow), line(resource, action, allow)]);
        let body = json!({"name": fresh("more"), "product": product, "permissions": permissions});
        assert_escalation(
            &world.call(&me, Method::POST, "/v1/roles", body).await,
            &what,
        );
        if product == "gatepost" {
            let body = json!({"permissions": permissions});
            assert_escalation(&patch(&world, &me, "/v1/roles/mine", body).await, &what);
            // Unsaid is allow.
            let body = json!({"permissions": [{"resource": resource, "action": action}]});
            assert_escalation(&patch(&world, &me, "/v1/roles/mine", body).await, &what);
        }
    }
    let answer = patch(
        &world,
        &me,
        "/v1/roles/gatepost-everyone-role",
        json!({"name": "x"}),
    )
    .await;
    assert_eq!(answer.reason(), "MANIFEST_OWNED", "{}", answer.body);
    assert_eq!(
        world
            .delete(&me, "/v1/roles/gatepost-editor-role")
            .await
            .reason(),
        "MANIFEST_OWNED"
    );
}

#[tokio::test]
async fn nobody_takes_their_own_deny_away() {
    let world = World::start().await;
    let me = limited(&world).await;
    let deny = json!([{
        "resource": "users", "action": "delete", "effect": "PERMISSION_EFFECT_DENY",
    }]);
    let body = json!({"name": "no-deletes", "product": "gatepost", "permissions": deny});
    make(&world, &world.admin, "/v1/roles", body).await;
    make(
        &world,
        &world.admin,
        "/v1/groups",
        json!({"name": "no-deleters"}),
    )
    .await;
    let victim = user(&world, &world.admin).await;
    let own = format!("/v1/users/{}/roles/no-deletes", me.id);
    assert_eq!(put(&world, &world.admin, &own).await.status.as_u16(), 204);
    let path = "/v1/groups/no-deleters/roles/no-deletes";
    assert_eq!(put(&world, &world.admin, path).await.status.as_u16(), 204);
    let member = format!("/v1/groups/no-deleters/members/{}", me.id);
    assert_eq!(
        put(&world, &world.admin, &member).await.status.as_u16(),
        204
    );

    let answer = world.delete(&me, &format!("/v1/users/{victim}")).await;
    assert_eq!(answer.reason(), "PERMISSION_MISSING", "{}", answer.body);
    assert_escalation(&world.delete(&me, &own).await, "the role");
    assert_escalation(&world.delete(&me, path).await, "the group's role");
    assert_escalation(&world.delete(&me, &member).await, "the membership");
    let myself = format!("/v1/users/{}", me.id);
    assert_escalation(
        &patch(&world, &me, &myself, json!({"groups": []})).await,
        "all groups",
    );
    for body in [
        json!({"permissions": []}),
        json!({"permissions": [{"resource": "users", "action": "get"}]}),
        json!({"name": "renamed"}),
    ] {
        assert_escalation(
            &patch(&world, &me, "/v1/roles/no-deletes", body).await,
            "the lines",
        );
    }
    let answer = world.delete(&me, &format!("/v1/users/{victim}")).await;
    assert_eq!(answer.reason(), "PERMISSION_MISSING", "{}", answer.body);
    // An administrator who may do it all may take it away.
    assert_eq!(world.delete(&world.admin, &own).await.status.as_u16(), 204);
}

#[tokio::test]
async fn nobody_denies_others_what_they_lack_themselves() {
    let world = World::start().await;
    let me = limited(&world).await;
    for (resource, action) in [("*", "*"), ("audit-events", "get"), ("grants", "*")] {
        let deny = json!([{
            "resource": resource, "action": action, "effect": "PERMISSION_EFFECT_DENY",
        }]);
        let body = json!({"name": fresh("deny"), "product": "gatepost", "permissions": deny});
        let what = format!("{resource}:{action}");
        assert_escalation(
            &world.call(&me, Method::POST, "/v1/roles", body).await,
            &what,
        );
    }
}

#[tokio::test]
async fn a_strong_role_or_group_does_not_get_a_weak_ones_name() {
    let world = World::start().await;
    let me = limited(&world).await;
    let strong = json!([{"resource": "audit-events", "action": "get"}]);
    let body = json!({"name": "strong", "product": "gatepost", "permissions": strong});
    make(&world, &world.admin, "/v1/roles", body).await;
    make(
        &world,
        &world.admin,
        "/v1/groups",
        json!({"name": "strong-group"}),
    )
    .await;
    let path = "/v1/groups/strong-group/roles/strong";
    assert_eq!(put(&world, &world.admin, path).await.status.as_u16(), 204);
    let renamed = patch(&world, &me, "/v1/roles/strong", json!({"name": "weak"})).await;
    assert_escalation(&renamed, "role");
    let renamed = patch(
        &world,
        &me,
        "/v1/groups/strong-group",
        json!({"name": "weak"}),
    )
    .await;
    assert_escalation(&renamed, "group");
}

#[tokio::test]
async fn an_answer_that_was_kept_gives_nothing_to_whoever_asks_again() {
    let world = World::start().await;
    let me = limited(&world).await;
    let other = world.person("other", &[]).await;
    let body = json!({"name": "machine", "roles": ["gatepost-editor-role"]});
    let create = async |actor: &Actor, body: &Value| {
        let request = world
            .request(Method::POST, "/v1/applications")
            .bearer_auth(&actor.token);
        world
            .send(request.header("idempotency-key", "key").json(body))
            .await
    };
    let made = create(&world.admin, &body).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.body);
    assert!(made.body["clientSecret"].is_string());
    // The same key and body of somebody else is another request.
    assert_escalation(&create(&me, &body).await, "replayed");
    assert_eq!(create(&other, &body).await.reason(), "PERMISSION_MISSING");
    // One's own answer comes back without its secret, and to whoever may still ask.
    let again = create(&world.admin, &body).await;
    assert_eq!(again.body["id"], made.body["id"]);
    assert!(again.body["clientSecret"].is_null(), "{}", again.body);
    let harmless = json!({"name": "harmless"});
    assert_eq!(create(&me, &harmless).await.status.as_u16(), 201);
    assert_eq!(create(&me, &body).await.reason(), "IDEMPOTENCY_KEY_REUSED");
    let path = format!("/v1/users/{}/roles/limited", me.id);
    assert_eq!(world.delete(&world.admin, &path).await.status.as_u16(), 204);
    assert_eq!(create(&me, &harmless).await.reason(), "PERMISSION_MISSING");
}

#[tokio::test]
async fn a_name_that_comes_back_is_nobody_elses_heir() {
    let world = World::start().await;
    let old = world.person("heir", &["admin-group"]).await;
    let refresh = json!({"refreshToken": old.refresh_token});
    assert_eq!(world.get(&old, "/v1/users").await.status.as_u16(), 200);
    assert_eq!(
        world
            .delete(&world.admin, &format!("/v1/users/{}", old.id))
            .await
            .status
            .as_u16(),
        204
    );
    let new = world.person("heir", &[]).await;
    assert_ne!(new.id, old.id);
    assert_eq!(
        world.get(&new, "/v1/users").await.reason(),
        "PERMISSION_MISSING"
    );
    assert_eq!(world.get(&old, "/v1/users").await.reason(), "USER_GONE");
    let request = world
        .request(Method::POST, "/v1/login/oauth/refresh_token")
        .json(&refresh);
    assert_eq!(world.send(request).await.reason(), "REFRESH_TOKEN_INVALID");
    // The same of groups, roles and applications.
    let me = limited(&world).await;
    make(&world, &world.admin, "/v1/groups", json!({"name": "again"})).await;
    let path = "/v1/groups/again/roles/gatepost-editor-role";
    assert_eq!(put(&world, &world.admin, path).await.status.as_u16(), 204);
    assert_eq!(
        world.delete(&me, "/v1/groups/again").await.status.as_u16(),
        204
    );
    let again = make(&world, &me, "/v1/groups", json!({"name": "again"})).await;
    assert_eq!(again["roles"], json!([]), "{again}");
}
