//! One tenant and the other's records, on every RPC.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::calls::{Callers, SENT, application, good, make, user_body};
use crate::every_field::strings;
use crate::panics;
use crate::two::{Fate, Two, assert_nothing_of_beta, fate, forged, likeness, names, spoilt};
use crate::wire::{assert_problem, channel, rpcs};

#[tokio::test]
async fn a_foreign_record_is_a_record_that_is_not_there() {
    let two = Two::new().await;
    let (world, panics) = (&two.world, panics::watch());
    let channel = channel(world).await;
    let before = two.beta_has().await;
    let callers = Callers::of(world, &two.alpha).await;
    let mut tried = 0;
    for rpc in rpcs() {
        for place in strings(&rpc.method.input()) {
            for (foreign, unknown) in two.foreign(names(&rpc, &place)).await {
                let good = good(world, &callers, &rpc).await;
                let what = format!("{} {place:?}", rpc.name);
                let token = Some(callers.token(&rpc));
                let fields = spoilt(&good, &place, &foreign);
                let answer = rpc.call(world, token, &fields).await;
                let other = rpc
                    .call(world, token, &spoilt(&good, &place, unknown))
                    .await;
                assert_eq!(likeness(&answer), likeness(&other), "{what}");
                let told = rpc.grpc(&channel, token, &fields, &[]).await;
                match fate(&rpc, &place) {
                    Fate::Refused(expected) => {
                        assert_problem(&answer, &what);
                        assert_eq!(answer.status.as_u16(), expected, "{what}: {}", answer.body);
                        let reason = ErrorReason::of(&told.unwrap_err()).unwrap();
                        assert_eq!(reason.name(), answer.reason(), "{what}");
                    }
                    Fate::Done => {
                        assert!(answer.status.is_success(), "{what}: {}", answer.body);
                        assert_nothing_of_beta(&answer.body.to_string(), &two, &what);
                        assert_nothing_of_beta(&told.unwrap().0.to_string(), &two, &what);
                    }
                    Fate::OneRefused => {
                        for body in [&answer.body, &told.unwrap().0] {
                            let reason = &body["answers"][0]["error"]["reason"];
                            assert_eq!(reason, "SUBJECT_UNKNOWN", "{what}: {body}");
                        }
                    }
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(two.beta_has().await, before);
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn nothing_in_a_request_changes_the_tenant() {
    let two = Two::new().await;
    let (world, panics) = (&two.world, panics::watch());
    let channel = channel(world).await;
    let beta = two.beta_id().await;
    let (before, forged) = (two.beta_has().await, forged(&beta));
    let callers = Callers::of(world, &two.alpha).await;
    for rpc in rpcs() {
        let installation = [
            "OrganizationService",
            "ManifestService",
            "SigningKeyService",
        ];
        let installation = installation.contains(&rpc.method.parent_service().name());
        let fields = good(world, &callers, &rpc).await;
        let token = Some(callers.token(&rpc));
        let mut request = rpc.rest(world, token, &fields);
        for (name, value) in &forged {
            request = request.header(*name, value);
        }
        let answer = rpc.send(world, request).await;
        let installation = installation || SENT.contains(&rpc.name.as_str());
        if !installation {
            assert!(answer.status.is_success(), "{}: {}", rpc.name, answer.body);
        }
        assert_nothing_of_beta(&answer.body.to_string(), &two, &rpc.name);
        assert!(!answer.body.to_string().contains(&beta), "{}", rpc.name);
        if rpc.reads() {
            let plain = rpc.call(world, token, &fields).await;
            assert_eq!(likeness(&plain), likeness(&answer), "{}", rpc.name);
        }
        let fields = good(world, &callers, &rpc).await;
        let metadata: Vec<(&str, &str)> = forged
            .iter()
            .filter(|(name, _)| *name != "host")
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = rpc.grpc(&channel, token, &fields, &metadata).await;
        if !installation {
            let (answer, _) = answer.unwrap_or_else(|status| panic!("{}: {status}", rpc.name));
            assert_nothing_of_beta(&answer.to_string(), &two, &rpc.name);
        }
    }
    assert_eq!(two.beta_has().await, before);
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn a_tenant_in_a_body_or_a_query_is_an_unknown_field() {
    let two = Two::new().await;
    let (world, beta) = (&two.world, two.beta_id().await);
    let callers = Callers::of(world, &two.alpha).await;
    for rpc in rpcs() {
        let token = Some(callers.token(&rpc));
        let names = [
            "tenantId",
            "tenant_id",
            "tenant",
            "owner",
            "organizationId",
            "organization",
        ];
        for name in names {
            let input = rpc.method.input();
            let is_own = |field: prost_reflect::FieldDescriptor| {
                [field.name(), field.json_name()].contains(&name)
            };
            if input.fields().any(is_own) {
                continue;
            }
            let what = format!("{} {name}", rpc.name);
            let mut good = good(world, &callers, &rpc).await;
            good.insert(name.to_owned(), beta.as_str().into());
            let answer = rpc.call(world, token, &good).await;
            assert_problem(&answer, &what);
            let unknown = (400, "INVALID_REQUEST");
            assert_eq!((answer.status.as_u16(), answer.reason()), unknown, "{what}");
            if rpc.binding.body {
                good.remove(name);
                let request = rpc.rest(world, token, &good).build().unwrap();
                let path = format!("{}?{name}={beta}", request.url().path());
                let method: Method = rpc.binding.method.parse().unwrap();
                let request = world
                    .request(method, &path)
                    .bearer_auth(callers.token(&rpc));
                let answer = rpc.send(world, request.json(&good)).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.reason()),
                    unknown,
                    "{what} in query"
                );
            }
        }
    }
}

#[tokio::test]
async fn lists_and_their_places_stay_at_home() {
    let two = Two::new().await;
    let world = &two.world;
    for list in ["users", "groups", "roles", "applications", "audit-events"] {
        let first = world.get(&two.beta, &format!("/v1/{list}?limit=1")).await;
        let place = first.body["nextPageToken"].as_str().unwrap();
        let path = match place {
            "" => format!("/v1/{list}?limit=100"),
            place => format!("/v1/{list}?limit=100&pageToken={place}"),
        };
        let answer = world.get(&two.alpha, &path).await;
        assert_eq!(answer.status.as_u16(), 200, "{list}: {}", answer.body);
        assert_nothing_of_beta(&answer.body.to_string(), &two, list);
        let whole = world
            .get(&two.alpha, &format!("/v1/{list}?limit=100"))
            .await;
        assert_nothing_of_beta(&whole.body.to_string(), &two, list);
    }
    for filter in ["actorId", "targetId"] {
        for id in [&two.user, &two.beta.id, &two.group] {
            let answer = world
                .get(&two.alpha, &format!("/v1/audit-events?{filter}={id}"))
                .await;
            assert_eq!(answer.body["items"], json!([]), "{filter}={id}");
        }
    }
}

#[tokio::test]
async fn credentials_of_one_tenant_are_worth_nothing_in_the_other() {
    let two = Two::new().await;
    let world = &two.world;
    let refresh = two.session["refreshToken"].clone();
    let mine = application(world, &two.alpha).await;
    let body = json!({
        "refreshToken": refresh, "clientId": mine["clientId"], "clientSecret": mine["clientSecret"],
    });
    let path = "/v1/login/oauth/refresh_token";
    let answer = world
        .send(world.request(Method::POST, path).json(&body))
        .await;
    assert_eq!(answer.reason(), "REFRESH_TOKEN_INVALID", "{}", answer.body);
    // That was no use of it.
    let body = json!({"refreshToken": refresh});
    let answer = world
        .send(world.request(Method::POST, path).json(&body))
        .await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    // A person of the other tenant cannot sign in through this one's client.
    let username = "admin-of-beta";
    let mut body = json!({
        "grantType": "password", "username": username, "password": crate::world::PASSWORD,
    });
    let path = "/v1/login/oauth/access_token";
    assert_eq!(
        world
            .send(world.request(Method::POST, path).json(&body))
            .await
            .status
            .as_u16(),
        200
    );
    body["clientId"] = mine["clientId"].clone();
    body["clientSecret"] = mine["clientSecret"].clone();
    let answer = world
        .send(world.request(Method::POST, path).json(&body))
        .await;
    assert_eq!(answer.reason(), "CREDENTIALS_INVALID", "{}", answer.body);
}

#[tokio::test]
async fn the_same_names_live_beside_each_other() {
    let two = Two::new().await;
    let world = &two.world;
    for (actor, email) in [(&two.alpha, "a@example.com"), (&two.beta, "b@example.com")] {
        let mut body = user_body("twin");
        body["email"] = email.into();
        make(world, actor, "/v1/users", body).await;
        make(world, actor, "/v1/groups", json!({"name": "twins"})).await;
        make(world, actor, "/v1/applications", json!({"name": "twin"})).await;
        let role = json!({"name": "twin-role", "product": "midaz", "permissions": []});
        make(world, actor, "/v1/roles", role).await;
        // The same idempotency key, too.
        let request = world
            .request(Method::POST, "/v1/groups")
            .bearer_auth(&actor.token);
        let request = request
            .header("idempotency-key", "one")
            .json(&json!({"name": "once"}));
        let answer = world.send(request).await;
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.body);
    }
    let one = world.get(&two.alpha, "/v1/groups/twins").await.body;
    let other = world.get(&two.beta, "/v1/groups/twins").await.body;
    assert_ne!(one["id"], other["id"]);
}

#[tokio::test]
async fn a_system_administrator_rules_the_installation_and_reads_no_tenant() {
    let two = Two::new().await;
    let (world, admin) = (&two.world, &two.world.admin);
    for list in ["users", "groups", "applications", "audit-events"] {
        let answer = world.get(admin, &format!("/v1/{list}?limit=100")).await;
        assert_nothing_of_beta(&answer.body["items"].to_string(), &two, list);
    }
    for path in [
        format!("/v1/users/{}", two.user),
        format!("/v1/groups/{}", two.group),
        format!("/v1/roles/{}", two.role),
        format!(
            "/v1/applications/{}",
            two.application["id"].as_str().unwrap()
        ),
    ] {
        for answer in [
            world.get(admin, &path).await,
            world.delete(admin, &path).await,
        ] {
            assert_eq!(
                (answer.status.as_u16(), answer.reason()),
                (404, "NOT_FOUND"),
                "{path}"
            );
        }
    }
    let answer = world
        .call(
            admin,
            Method::PATCH,
            &format!("/v1/users/{}/reset-password", two.user),
            json!({"newPassword": "another good password"}),
        )
        .await;
    assert_eq!(answer.status.as_u16(), 404);
}

#[tokio::test]
async fn a_tenants_administrator_does_not_rule_the_installation() {
    let two = Two::new().await;
    let world = &two.world;
    let callers = Callers::of(world, &two.alpha).await;
    for rpc in rpcs() {
        let system = ["OrganizationService", "SigningKeyService"];
        let system = system.contains(&rpc.method.parent_service().name());
        if system || rpc.name == "PublishManifest" {
            let fields = good(world, &callers, &rpc).await;
            let answer = rpc.call(world, Some(&two.alpha.token), &fields).await;
            assert_problem(&answer, &rpc.name);
            let expected = (403, "PERMISSION_MISSING");
            assert_eq!(
                (answer.status.as_u16(), answer.reason()),
                expected,
                "{}",
                rpc.name
            );
        }
    }
    // Not even to see what would come of it.
    let manifest = json!({"service": "midaz", "version": "9"});
    let body = json!({"changes": [{"manifest": manifest}]});
    let answer = world.post(&two.alpha, "/v1/authorize:simulate", body).await;
    answer.refuses(ErrorReason::PermissionMissing);
    let role = "gatepost-system-administrator-role";
    for path in [
        format!("/v1/users/{}/roles/{role}", two.alpha.id),
        format!("/v1/groups/admin-group/roles/{role}"),
    ] {
        let answer = world.call(&two.alpha, Method::PUT, &path, json!({})).await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (403, "ESCALATION_REFUSED"),
            "{path}"
        );
    }
    for permissions in [
        json!([]),
        json!([{"resource": "organizations", "action": "get"}]),
    ] {
        let body =
            json!({"name": "mine", "product": "gatepost-system", "permissions": permissions});
        let answer = world
            .call(&two.alpha, Method::POST, "/v1/roles", body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (403, "ESCALATION_REFUSED")
        );
    }
    let body = json!({"name": "machine", "roles": [role]});
    let answer = world
        .call(&two.alpha, Method::POST, "/v1/applications", body)
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (403, "ESCALATION_REFUSED")
    );
    // An application that has a product's name publishes nothing for it outside the system.
    let machine = world.machine_of(&two.alpha, "midaz", &[]).await;
    let body = json!({"version": "9"});
    let answer = world
        .call(&machine, Method::PUT, "/v1/declarations/midaz", body)
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (403, "PERMISSION_MISSING")
    );
}
