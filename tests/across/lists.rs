//! Lists: by page with a total, or by token at constant cost.

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::identity::{application, group, role};
use crate::world::World;

const LISTS: [&str; 5] = [
    "/v1/users",
    "/v1/groups",
    "/v1/roles",
    "/v1/applications",
    "/v1/audit-events",
];

fn ids(body: &Value) -> Vec<String> {
    let items = body["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Enough of everything that each list has three pages of three.
async fn full_world() -> World {
    let world = World::start().await;
    for number in 0..7 {
        let name = format!("number {number}");
        let body = crate::identity::new_user(&format!("user-{number}"), &[]);
        world.post(&world.admin, "/v1/users", body).await.is(201);
        group(&world, &world.admin, &name, &[]).await;
        role(&world, &world.admin, &name, "midaz", &[]).await;
        application(&world, &world.admin, json!({"name": name})).await;
    }
    world
}

#[tokio::test]
async fn pages_and_walks_show_everything_once_and_in_the_same_order() {
    let world = full_world().await;
    for path in LISTS {
        let all = world.get(&world.admin, &format!("{path}?limit=100")).await;
        let expected = ids(all.is(200));
        assert_eq!(all.body["total"], expected.len());
        assert_eq!(all.body["nextPageToken"], "");
        let (mut paged, mut walked) = (Vec::new(), Vec::new());
        for page in 1..=expected.len().div_ceil(3) {
            let answer = world
                .get(&world.admin, &format!("{path}?page={page}&limit=3"))
                .await;
            let body = answer.is(200);
            assert_eq!((&body["page"], &body["limit"]), (&json!(page), &json!(3)));
            assert_eq!(body["total"], expected.len());
            paged.extend(ids(body));
        }
        assert_eq!(paged, expected, "{path}");
        let first = world.get(&world.admin, &format!("{path}?limit=3")).await;
        let mut body = first.is(200).clone();
        loop {
            walked.extend(ids(&body));
            let token = body["nextPageToken"].as_str().unwrap();
            if token.is_empty() {
                break;
            }
            let next = format!("{path}?limit=3&pageToken={token}");
            body = world.get(&world.admin, &next).await.is(200).clone();
            assert!(body.get("total").is_none(), "a walk does not count");
            assert_eq!(body["page"], 0);
        }
        assert_eq!(walked, expected, "{path}");
    }
}

#[tokio::test]
async fn numbers_have_their_bounds() {
    let world = World::start().await;
    for path in LISTS {
        for bad in [
            "limit=101",
            "limit=-1",
            "limit=many",
            "page=-1",
            "pageToken=nonsense",
        ] {
            let answer = world.get(&world.admin, &format!("{path}?{bad}")).await;
            assert_eq!(answer.status, 400, "{path}?{bad}: {}", answer.body);
            answer.refuses(ErrorReason::InvalidRequest);
            assert_eq!(answer.body["code"], "IDE-0004", "{bad}");
        }
        let unknown = world.get(&world.admin, &format!("{path}?tenantId=x")).await;
        unknown.refuses(ErrorReason::InvalidRequest);
        let beyond = world.get(&world.admin, &format!("{path}?page=1000")).await;
        assert_eq!(beyond.is(200)["items"], json!([]));
    }
}
