//! `ListApplications`.

use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::World;

#[tokio::test]
async fn applications_are_listed_oldest_first_without_their_secrets() {
    let world = World::start().await;
    let none = world.get(&world.admin, "/v1/applications").await;
    let expected = json!({"items": [], "page": 1, "limit": 10, "total": 0, "nextPageToken": ""});
    assert_eq!(*none.is(200), expected);
    let mut made = Vec::new();
    for name in ["worker", "midaz"] {
        let mut one = application(&world, &world.admin, json!({"name": name})).await;
        one.as_object_mut().unwrap().remove("clientSecret").unwrap();
        made.push(one);
    }
    let answer = world.get(&world.admin, "/v1/applications").await;
    assert_eq!(answer.is(200)["items"], json!(made));
    is_guarded(&world, Method::GET, "/v1/applications", json!({})).await;
}
