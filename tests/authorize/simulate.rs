//! `Simulate`.

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{ProposedChange, ProposedMember, SimulateRequest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::{group, is_guarded, permissions, role};
use crate::world::{Actor, Answer, NOBODY, World};

const PATH: &str = "/v1/authorize:simulate";

/// A question about midaz.
fn about(of: &Actor, resource: &str, action: &str) -> Value {
    json!({
        "sub": format!("default/{}", of.id), "product": "midaz", "resource": resource,
        "action": action,
    })
}

async fn simulate(world: &World, changes: Value, questions: Value) -> Answer {
    let body = json!({"changes": changes, "questions": questions});
    world.post(&world.admin, PATH, body).await
}

/// The answers that flip: subject, resource, action, and what they flip to.
#[track_caller]
fn flips(answer: &Answer) -> Vec<(String, String, bool)> {
    let flips = answer.is(200)["flips"].as_array().unwrap().iter();
    flips
        .map(|flip| {
            let text = |field: &str| flip["question"][field].as_str().unwrap().to_owned();
            assert_ne!(flip["before"]["authorized"], flip["after"]["authorized"]);
            let question = format!("{}:{}", text("resource"), text("action"));
            (
                text("sub"),
                question,
                flip["after"]["authorized"].as_bool().unwrap(),
            )
        })
        .collect()
}

/// The id of a group.
async fn group_id(world: &World, name: &str) -> String {
    let answer = world.get(&world.admin, &format!("/v1/groups/{name}")).await;
    answer.is(200)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_membership_flips_what_it_gives_and_nothing_is_written() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let bob = world.person("bob", &[]).await;
    let viewers = group_id(&world, "midaz-viewer-group").await;
    let member = |of: &Actor, remove: bool| {
        let id = &of.id;
        json!({"member": {"groupId": viewers, "type": "user", "id": id, "remove": remove}})
    };
    let questions = json!([
        about(&alice, "accounts", "get"),
        about(&bob, "accounts", "get"),
        about(&bob, "accounts", "delete"),
        about(&world.admin, "accounts", "get"),
    ]);
    let revision = world
        .authorize(&bob, "midaz", "accounts", "get")
        .await
        .revision();
    let changes = json!([member(&alice, true), member(&bob, false)]);
    let answer = simulate(&world, changes, questions.clone()).await;
    let (alice_sub, bob_sub) = (
        format!("default/{}", alice.id),
        format!("default/{}", bob.id),
    );
    let get = || "accounts:get".to_owned();
    assert_eq!(
        flips(&answer),
        [(alice_sub, get(), false), (bob_sub, get(), true)]
    );
    assert_eq!(
        (&answer.body["asked"], answer.revision()),
        (&json!(4), revision)
    );
    let flip = &answer.body["flips"][1];
    assert_eq!(
        (&flip["before"]["reason"], &flip["after"]["reason"]),
        (&json!("permission"), &json!("granted"))
    );
    assert!(!world.may(&bob, "midaz", "accounts", "get").await);
    let after = world
        .authorize(&bob, "midaz", "accounts", "get")
        .await
        .revision();
    assert_eq!(after, revision);
    // The same over gRPC, about oneself.
    let member = ProposedMember {
        group_id: viewers.clone(),
        r#type: "user".into(),
        id: bob.id.clone(),
        remove: false,
    };
    let request = SimulateRequest {
        changes: vec![ProposedChange {
            member: Some(member),
            ..ProposedChange::default()
        }],
        ..SimulateRequest::default()
    };
    let told = world
        .admin
        .client
        .authorize()
        .simulate(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((told.asked, told.flips.len()), (0, 0));
}

#[tokio::test]
async fn groups_roles_and_grants_work_together() {
    let world = World::start().await;
    let bob = world.person("bob", &[]).await;
    let (new_group, new_role) = (NOBODY, "01890a5d-ac96-774b-bcce-b302099a8057");
    let changes = json!([
        {"group": {"id": new_group, "name": "auditors"}},
        {"role": {
            "id": new_role, "product": "midaz", "name": "auditor",
            "permissions": permissions(&["accounts:get", "!accounts:delete"]),
        }},
        {"grant": {
            "type": "group", "id": new_group, "roleId": new_role,
            "limits": [{"attribute": "ledger", "values": ["b", "a"]}],
        }},
        {"member": {"groupId": new_group, "type": "user", "id": bob.id}},
    ]);
    let mut limited = about(&bob, "accounts", "get");
    limited["attributes"] = json!({"ledger": "a"});
    let questions = json!([about(&bob, "accounts", "get"), limited]);
    let answer = simulate(&world, changes, questions).await;
    assert_eq!(flips(&answer).len(), 1);
    assert_eq!(
        answer.body["flips"][0]["question"]["attributes"]["ledger"],
        "a"
    );
    // An expired grant gives nothing.
    let viewer = world.get(&world.admin, "/v1/roles/midaz-viewer-role").await;
    let viewer = viewer.is(200)["id"].clone();
    let grant = |expires: &str| {
        let (id, at) = (&bob.id, expires);
        json!([{"grant": {"type": "user", "id": id, "roleId": viewer, "expiresAt": at}}])
    };
    let question = json!([about(&bob, "accounts", "get")]);
    let past = simulate(&world, grant("2001-01-01T00:00:00Z"), question.clone()).await;
    assert!(flips(&past).is_empty());
    let future = simulate(&world, grant("2999-01-01T00:00:00Z"), question).await;
    assert_eq!(flips(&future).len(), 1);
}

#[tokio::test]
async fn what_no_call_could_do_is_refused() {
    let world = World::start().await;
    let parent = group(&world, &world.admin, "parent", &["midaz-viewer-group"]).await;
    let child = group_id(&world, "midaz-viewer-group").await;
    let built_in = world.get(&world.admin, "/v1/roles/midaz-viewer-role").await;
    let built_in = built_in.is(200)["id"].clone();
    let nested = json!({"member": {"groupId": child, "type": "group", "id": parent}});
    let renamed = json!({"group": {"id": NOBODY, "name": "Parent"}});
    let unknown = json!({"member": {"groupId": NOBODY, "type": "group", "id": parent}});
    let gone = json!({"role": {"id": built_in, "remove": true}});
    let both = json!({"group": {"id": parent, "remove": true}, "member": nested["member"]});
    let ours = json!({"manifest": {"service": "gatepost"}});
    let taken = json!({"manifest": {"service": "bakery", "aliases": ["midaz"]}});
    for (change, reason) in [
        (nested, ErrorReason::GroupCycle),
        (renamed, ErrorReason::NameTaken),
        (unknown, ErrorReason::NotFound),
        (gone, ErrorReason::ManifestOwned),
        (both, ErrorReason::InvalidRequest),
        (json!({}), ErrorReason::InvalidRequest),
        (ours, ErrorReason::ManifestOwned),
        (taken, ErrorReason::ManifestInvalid),
    ] {
        let answer = simulate(&world, json!([change]), json!([])).await;
        assert_eq!(answer.reason(), reason.name(), "{change}");
        answer.refuses(reason);
    }
    let sub = format!("default/{NOBODY}");
    let nobody = json!([{"sub": sub, "product": "midaz", "resource": "a", "action": "b"}]);
    let removed = json!([{"group": {"id": parent, "remove": true}}]);
    let answer = simulate(&world, removed, nobody).await;
    answer.refuses(ErrorReason::SubjectUnknown);
}

#[tokio::test]
async fn a_manifest_is_tried_as_it_would_be_published() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let present = world.get(&world.admin, "/v1/declarations/midaz").await;
    let mut manifest = present.is(200)["manifest"].clone();
    // Viewers lose accounts and gain a permission that is new.
    for line in manifest["permissions"].as_array_mut().unwrap() {
        if line["resource"] == "accounts" {
            line["roles"] = json!(["midaz-editor-role"]);
        }
    }
    let new = json!({"resource": "vaults", "action": "get", "roles": ["midaz-viewer-role"]});
    manifest["permissions"].as_array_mut().unwrap().push(new);
    let asked = [("accounts", "get"), ("vaults", "get"), ("ledgers", "get")];
    let questions: Vec<Value> = asked
        .iter()
        .map(|(resource, action)| about(&alice, resource, action))
        .collect();
    let changes = json!([{"manifest": manifest}]);
    let answer = simulate(&world, changes, json!(questions)).await;
    let sub = format!("default/{}", alice.id);
    let expected = [
        (sub.clone(), "accounts:get".to_owned(), false),
        (sub, "vaults:get".to_owned(), true),
    ];
    assert_eq!(flips(&answer), expected);
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    // And so it is.
    let path = "/v1/declarations/midaz";
    world
        .call(&world.admin, Method::PUT, path, manifest)
        .await
        .is(200);
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    assert!(world.may(&alice, "midaz", "vaults", "get").await);
    assert!(world.may(&alice, "midaz", "ledgers", "get").await);
}

#[tokio::test]
async fn a_new_product_comes_with_its_groups() {
    let world = World::start().await;
    let manifest = json!({
        "service": "tracer",
        "roles": [{"name": "tracer-role", "grantedTo": [{"group": "admin-group"}]}],
        "permissions": [{"resource": "reservations", "action": "get", "roles": ["tracer-role"]}],
    });
    let question = json!([{"product": "tracer", "resource": "reservations", "action": "get"}]);
    let answer = simulate(&world, json!([{"manifest": manifest}]), question).await;
    assert_eq!(flips(&answer).len(), 1);
    assert_eq!(
        answer.body["flips"][0]["before"]["reason"],
        "unknown_product"
    );
}

#[tokio::test]
async fn a_manifest_needs_the_permission_to_publish_it() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let body = json!({"changes": [{"manifest": {"service": "tracer"}}]});
    world
        .post(&owner, PATH, body.clone())
        .await
        .refuses(ErrorReason::PermissionMissing);
    world.post(&world.admin, PATH, body).await.is(200);
}

#[tokio::test]
async fn questions_of_today_are_asked_again() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let other = world.organization("butchery").await;
    let alice = world
        .person_of(&owner, "alice", &["midaz-viewer-group"])
        .await;
    let carol = world
        .person_of(&other, "carol", &["midaz-viewer-group"])
        .await;
    for actor in [&alice, &alice, &carol] {
        assert!(world.may(actor, "midaz", "accounts", "get").await);
    }
    let viewers = world.get(&owner, "/v1/groups/midaz-viewer-group").await;
    let member = json!({
        "groupId": viewers.is(200)["id"], "type": "user", "id": alice.id, "remove": true,
    });
    let body = json!({"changes": [{"member": member}], "recorded": true});
    let answer = world.post(&owner, PATH, body.clone()).await;
    let flips = flips(&answer);
    let sub = format!("bakery/{}", alice.id);
    assert_eq!(flips, [(sub, "accounts:get".to_owned(), false)]);
    assert!(!answer.body.to_string().contains(&carol.id));
    // Whose questions these are is only for those who may ask about others.
    role(
        &world,
        &owner,
        "simulator",
        "gatepost",
        &["subjects:simulate"],
    )
    .await;
    let path = format!("/v1/users/{}/roles/simulator", alice.id);
    world.put(&owner, &path).await.is(204);
    world
        .post(&alice, PATH, body.clone())
        .await
        .refuses(ErrorReason::PermissionMissing);
    let mut own = body;
    own["recorded"] = json!(false);
    world.post(&alice, PATH, own).await.is(200);
}

#[tokio::test]
async fn it_needs_its_permission() {
    let world = World::start().await;
    let body = json!({"changes": [{"group": {"id": NOBODY, "name": "bakers"}}]});
    is_guarded(&world, Method::POST, PATH, body).await;
    let nothing = world.post(&world.admin, PATH, json!({})).await;
    nothing.refuses(ErrorReason::InvalidRequest);
}
