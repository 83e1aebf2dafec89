//! Names that are taken, look alike, or go round in circles.

use reqwest::Method;
use serde_json::json;

use crate::bad_input::revision;
use crate::calls::{fresh, make, user_body};
use crate::wire::assert_problem;
use crate::world::{PASSWORD, World};

#[tokio::test]
async fn usernames_that_look_the_same_are_the_same() {
    let world = World::start().await;
    make(&world, &world.admin, "/v1/users", user_body("jos\u{e9}")).await;
    let also = |username: &str, email: &str| {
        let mut body = user_body("x");
        body["username"] = username.into();
        body["email"] = email.into();
        body
    };
    let taken = ["JOS\u{c9}", "jose\u{301}", "JOSE\u{301}", "Jos\u{e9}"];
    for (number, username) in taken.iter().enumerate() {
        let body = also(username, &format!("{number}@example.com"));
        let answer = world
            .call(&world.admin, Method::POST, "/v1/users", body)
            .await;
        assert_problem(&answer, username);
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (409, "NAME_TAKEN"),
            "{username}"
        );
    }
    let same_address = also("other", "JOS\u{c9}@EXAMPLE.com");
    let answer = world
        .call(&world.admin, Method::POST, "/v1/users", same_address)
        .await;
    assert_eq!(answer.reason(), "NAME_TAKEN", "{}", answer.body);
    let unseen = [
        "a\u{200b}b",
        "a\u{202e}b",
        "\u{feff}a",
        "a\u{200d}b",
        " a",
        "a ",
        "a\nb",
        "a\u{0}b",
        "\u{a0}a",
    ];
    for username in unseen {
        let body = also(username, "unseen@example.com");
        let answer = world
            .call(&world.admin, Method::POST, "/v1/users", body)
            .await;
        assert_problem(&answer, &format!("{username:?}"));
        assert_eq!(answer.status.as_u16(), 400, "{username:?}");
    }
    // She signs in however her keyboard composes her name.
    for username in taken {
        let body = json!({"grantType": "password", "username": username, "password": PASSWORD});
        let request = world
            .request(Method::POST, "/v1/login/oauth/access_token")
            .json(&body);
        assert_eq!(world.send(request).await.status.as_u16(), 200, "{username}");
    }
}

#[tokio::test]
async fn duplicate_names_and_group_cycles_are_conflicts_that_write_nothing() {
    let world = World::start().await;
    let admin = &world.admin;
    let (name, other) = (fresh("group"), fresh("group"));
    make(&world, admin, "/v1/groups", json!({"name": name})).await;
    make(
        &world,
        admin,
        "/v1/groups",
        json!({"name": other, "groups": [name]}),
    )
    .await;
    make(
        &world,
        admin,
        "/v1/applications",
        json!({"name": "machine"}),
    )
    .await;
    let role = json!({"name": "role", "product": "midaz", "permissions": []});
    make(&world, admin, "/v1/roles", role.clone()).await;
    let before = revision(&world).await;
    let cycle = json!({"groups": [other]});
    let itself = json!({"groups": [name]});
    let path = format!("/v1/groups/{name}");
    for (method, path, body, reason) in [
        (
            Method::POST,
            "/v1/groups",
            json!({"name": name.to_uppercase()}),
            "NAME_TAKEN",
        ),
        (
            Method::POST,
            "/v1/groups",
            json!({"name": "ADMIN-GROUP"}),
            "NAME_TAKEN",
        ),
        (
            Method::POST,
            "/v1/applications",
            json!({"name": "MACHINE"}),
            "NAME_TAKEN",
        ),
        (Method::POST, "/v1/roles", role, "NAME_TAKEN"),
        (Method::PATCH, &path, cycle, "GROUP_CYCLE"),
        (Method::PATCH, &path, itself, "GROUP_CYCLE"),
        (Method::PATCH, &path, json!({"name": other}), "NAME_TAKEN"),
    ] {
        let what = format!("{path} {body}");
        let answer = world.call(admin, method, path, body).await;
        assert_problem(&answer, &what);
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (409, reason),
            "{what}"
        );
    }
    // A user whose groups are half unknown is not half made.
    let mut half = user_body("half");
    half["groups"] = json!([name, "no-such-group"]);
    let answer = world.call(admin, Method::POST, "/v1/users", half).await;
    assert_eq!(answer.reason(), "NOT_FOUND", "{}", answer.body);
    assert_eq!(revision(&world).await, before);
    let group = world.get(admin, &path).await;
    assert_eq!(
        (&group.body["users"], &group.body["groups"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test]
async fn groups_nest_to_a_limit_only() {
    let world = World::start().await;
    let mut child = fresh("group");
    make(&world, &world.admin, "/v1/groups", json!({"name": child})).await;
    for depth in 1..=20 {
        let parent = fresh("group");
        let body = json!({"name": parent, "groups": [child]});
        let answer = world
            .call(&world.admin, Method::POST, "/v1/groups", body)
            .await;
        if answer.status.as_u16() == 409 {
            assert_eq!(
                (answer.reason(), depth > 15),
                ("GROUP_TOO_DEEP", true),
                "{depth}"
            );
            return;
        }
        child = parent;
    }
    panic!("there is no limit");
}
