//! `SearchResources`.

use gatepost_proto::authorize::v1::SearchResourcesRequest;

use super::searching::Search;
use crate::world::World;

const SEARCH: Search = Search {
    path: "/v1/authorize:search-resources",
    wanted: "resource",
    given: ("action", "get"),
    found: "accounts",
};

#[tokio::test]
async fn all_that_authorize_allows_is_found() {
    let world = World::start().await;
    let (alice, expected) = SEARCH.finds_what_authorize_allows(&world).await;
    let request = SearchResourcesRequest {
        product: "midaz".into(),
        action: "get".into(),
        limit: 100,
        ..SearchResourcesRequest::default()
    };
    let mut client = alice.client.authorize();
    let answer = client.search_resources(request).await.unwrap();
    assert_eq!(answer.into_inner().resources, expected);
}

#[tokio::test]
async fn others_are_nobodys_business() {
    let world = World::start().await;
    SEARCH.tells_nobody_of_others(&world).await;
}
