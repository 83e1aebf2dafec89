//! `SearchActions`.

use gatepost_proto::authorize::v1::SearchActionsRequest;

use super::searching::Search;
use crate::world::World;

const SEARCH: Search = Search {
    path: "/v1/authorize:search-actions",
    wanted: "action",
    given: ("resource", "accounts"),
    found: "get",
};

#[tokio::test]
async fn all_that_authorize_allows_is_found() {
    let world = World::start().await;
    let (alice, expected) = SEARCH.finds_what_authorize_allows(&world).await;
    let request = SearchActionsRequest {
        product: "midaz".into(),
        resource: "accounts".into(),
        limit: 100,
        ..SearchActionsRequest::default()
    };
    let mut client = alice.client.authorize();
    let answer = client.search_actions(request).await.unwrap();
    assert_eq!(answer.into_inner().actions, expected);
}

#[tokio::test]
async fn others_are_nobodys_business() {
    let world = World::start().await;
    SEARCH.tells_nobody_of_others(&world).await;
}
