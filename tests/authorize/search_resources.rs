//! `SearchResources`.

use std::collections::BTreeSet;

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::SearchResourcesRequest;
use serde_json::{Value, json};

use crate::identity::role;
use crate::world::{Actor, World};

const PATH: &str = "/v1/authorize:search-resources";

fn question(sub: &str, limit: u32, cursor: &Value) -> Value {
    json!({
        "sub": sub, "product": "midaz", "action": "get", "limit": limit, "cursor": cursor,
    })
}

/// Everything that is found, by pages of this size.
async fn all(world: &World, actor: &Actor, sub: &str, limit: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = json!("");
    loop {
        let answer = world.post(actor, PATH, question(sub, limit, &cursor)).await;
        let page = answer.is(200);
        let names = page["resources"].as_array().unwrap().iter();
        found.extend(names.map(|name| name.as_str().unwrap().to_owned()));
        cursor = page["nextCursor"].clone();
        if cursor == "" {
            return found;
        }
    }
}

#[tokio::test]
async fn all_that_authorize_allows_is_found() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    role(&world, &world.admin, "extra", "midaz", &["extra:get"]).await;
    let path = format!("/v1/users/{}/roles/extra", alice.id);
    world.put(&world.admin, &path).await.is(204);
    let declared = world.get(&world.admin, "/v1/declarations/midaz").await;
    let declared = declared.is(200)["manifest"]["permissions"]
        .as_array()
        .unwrap()
        .clone();
    let mut names: BTreeSet<String> = declared
        .iter()
        .map(|line| line["resource"].as_str().unwrap().to_owned())
        .collect();
    names.insert("extra".to_owned());
    names.remove("*");
    let mut expected = Vec::new();
    for name in names {
        if world.may(&alice, "midaz", &name, "get").await {
            expected.push(name);
        }
    }
    assert!(expected.contains(&"extra".to_owned()) && expected.contains(&"accounts".to_owned()));
    for limit in [1, 3, 100] {
        assert_eq!(all(&world, &alice, "", limit).await, expected);
        let sub = format!("default/{}", alice.id);
        assert_eq!(all(&world, &world.admin, &sub, limit).await, expected);
    }
    let request = SearchResourcesRequest {
        product: "midaz".into(),
        action: "get".into(),
        limit: 100,
        ..SearchResourcesRequest::default()
    };
    let answer = alice
        .client
        .authorize()
        .search_resources(request)
        .await
        .unwrap();
    assert_eq!(answer.into_inner().resources, expected);
}

#[tokio::test]
async fn others_are_nobodys_business() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    assert!(all(&world, &alice, "", 10).await.is_empty());
    let admin = question(&format!("default/{}", world.admin.id), 10, &json!(""));
    let refused = world.post(&alice, PATH, admin.clone()).await;
    refused.refuses(ErrorReason::SubjectForeign);
    world
        .post_openly(PATH, admin)
        .await
        .refuses(ErrorReason::TokenMissing);
    let many = question("", 101, &json!(""));
    world
        .post(&alice, PATH, many)
        .await
        .refuses(ErrorReason::InvalidRequest);
}
