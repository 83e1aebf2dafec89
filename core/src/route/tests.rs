use proptest::prelude::*;

use super::*;

fn route(methods: &[&str], path: &str, action: &str) -> Route {
    Route {
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        path: path.into(),
        resource: "things".into(),
        action: action.into(),
    }
}

fn routes() -> Routes {
    let mut routes = Routes::default();
    for (methods, path, action) in [
        (&["GET"][..], "/", "root"),
        (&["GET", "HEAD"], "/v1/users", "list"),
        (&["GET"], "/v1/users/me", "self"),
        (&["GET"], "/v1/users/{user_id}", "get"),
        (&["DELETE"], "/v1/users/{id}", "delete"),
        (&["POST"], "/v1/users/{id}:disable", "disable"),
        (&["POST"], "/v1/users:search", "search"),
        (&["GET"], "/v1/users/{user_id}/roles/{role}", "role"),
        (&["GET"], "/v1/users/me/roles", "own-roles"),
        (&["GET"], "/v1/files/*/{name}", "file"),
        (&["POST"], "/acme.v1.Things/*", "any"),
        (&["POST"], "/acme.v1.Things/Get", "one"),
    ] {
        routes.add(&route(methods, path, action)).unwrap();
    }
    routes
}

fn found(method: &str, path: &str) -> Option<String> {
    let routes = routes();
    let matched = routes.find(method, path)?;
    let variables = matched.variables();
    let variables = variables.map(|(name, value)| format!(" {name}={value}"));
    Some(format!(
        "{}{}",
        matched.action,
        variables.collect::<String>()
    ))
}

#[test]
fn finds_by_method_and_path() {
    for (method, path, expected) in [
        ("GET", "/", "root"),
        ("GET", "/?a=/b", "root"),
        ("HEAD", "/v1/users", "list"),
        ("GET", "/v1/users?limit=1", "list"),
        ("GET", "/v1/users/7", "get user_id=7"),
        ("DELETE", "/v1/users/7", "delete id=7"),
        ("GET", "/v1/users/me", "self"),
        // The text has no such method, the variable has.
        ("DELETE", "/v1/users/me", "delete id=me"),
        ("GET", "/v1/users/me/roles", "own-roles"),
        // The text leads nowhere.
        ("GET", "/v1/users/me/roles/x", "role user_id=me role=x"),
        ("POST", "/v1/users/7:disable", "disable id=7"),
        ("POST", "/v1/users:search", "search"),
        ("GET", "/v1/files/a/b", "file name=b"),
        ("POST", "/acme.v1.Things/Get", "one"),
        ("POST", "/acme.v1.Things/Put", "any"),
        ("GET", "/v1/users/a@b+c", "get user_id=a@b+c"),
        ("GET", "/v1/users/a%20%40b", "get user_id=a @b"),
        ("GET", "/v1/users/Jos%C3%a9", "get user_id=José"),
    ] {
        assert_eq!(
            found(method, path).as_deref(),
            Some(expected),
            "{method} {path}"
        );
    }
}

#[test]
fn another_spelling_matches_nothing() {
    for path in [
        "",
        "v1/users",
        "*",
        "http://a/v1/users",
        "//v1/users",
        "/v1//users",
        "/v1/users/",
        "/v1/users//",
        "/V1/users",
        "/v1/./users",
        "/v1/users/.",
        "/v1/users/..",
        "/v1/users/7/..",
        "/v1/users/%2e%2E",
        "/v1/users/a%2Fb",
        "/v1/users/a%5cb",
        "/v1/users/a\\b",
        "/v1/users/7;a=b",
        "/v1/users/7%3Ba=b",
        "/v1/users/7%253Ba",
        "/v1/users/%00",
        "/v1/users/%7f",
        "/v1/users/%0a",
        "/v1/users/%6De",
        "/v1/%75sers",
        "/v1/users/%ff",
        "/v1/users/%C0%AF",
        "/v1/users/%",
        "/v1/users/%4",
        "/v1/users/%4g",
        "/v1/users/7%3Adisable",
        "/v1/users/7:",
        "/v1/users/7:other",
        "/v1/users/7#a",
        "/v1/users/7%3Fa",
        "/v1/users/é",
        "/v1/users/a b",
        "/v1/users/{user_id}",
    ] {
        assert_eq!(found("GET", path), None, "{path}");
    }
    assert_eq!(found("POST", "/v1/users/7:other"), None);
    assert_eq!(found("POST", "/v1/users/7:disable:disable"), None);
    assert_eq!(found("get", "/v1/users"), None);
    assert_eq!(found("PUT", "/v1/users"), None);
    assert_eq!(found("GET", "/acme.v1.Things/Get"), None);
}

#[test]
fn what_is_no_route() {
    let long = "/a".repeat(ROUTE_SEGMENTS_MAX + 1);
    let cases: &[(&[&str], &str, RouteError)] = &[
        (&[], "/a", RouteError::Method),
        (&["get"], "/a", RouteError::Method),
        (&["GET", "GET"], "/a", RouteError::Method),
        (&[""], "/a", RouteError::Method),
        (&["GET"], "", RouteError::Path),
        (&["GET"], "a", RouteError::Path),
        (&["GET"], "/a/", RouteError::Path),
        (&["GET"], "//a", RouteError::Path),
        (&["GET"], "/a/..", RouteError::Path),
        (&["GET"], "/a%20b", RouteError::Path),
        (&["GET"], "/a b", RouteError::Path),
        (&["GET"], "/{", RouteError::Path),
        (&["GET"], "/{}", RouteError::Path),
        (&["GET"], "/{a b}", RouteError::Path),
        (&["GET"], "/x{a}", RouteError::Path),
        (&["GET"], "/a:{b}", RouteError::Path),
        (&["GET"], "/a:", RouteError::Path),
        (&["GET"], "/**", RouteError::Path),
        (&["GET"], "/{a}/{a}", RouteError::Variable),
        (&["GET"], &long, RouteError::TooLong),
        (&["HEAD"], "/v1/users", RouteError::Duplicate),
        (&["GET"], "/v1/users/{other}", RouteError::Duplicate),
        (&["GET", "PUT"], "/v1/users/*", RouteError::Duplicate),
    ];
    for (methods, path, error) in cases {
        let mut routes = routes();
        assert_eq!(
            routes.add(&route(methods, path, "x")),
            Err(*error),
            "{path}"
        );
        assert_eq!(
            routes.find("PUT", "/v1/users/7"),
            None,
            "half a route was added"
        );
    }
    for bad in [
        "", "a", "a/", "/a", "a/b/c", "a/b.c", ".a/b", "a..b/c", "a/**", "1a/b", "*/b",
    ] {
        assert_eq!(grpc_path(bad), Err(RouteError::Grpc), "{bad}");
    }
    assert_eq!(grpc_path("a.v1.B_c/D").as_deref(), Ok("/a.v1.B_c/D"));
}

/// A slow and obvious second opinion: every template against the path, segment by segment.
fn obvious<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<&'a Route> {
    let path: Vec<&str> = path.split('/').collect();
    let fits = |route: &&Route| {
        let template: Vec<&str> = route.path.split('/').collect();
        let same = |(one, other): (&&str, &&str)| one.starts_with('{') || one == other;
        route.methods.iter().any(|own| own == method)
            && template.len() == path.len()
            && template.iter().zip(&path).all(same)
    };
    // The most literal first, from left to right: `{` sorts behind every letter.
    let kinds = |route: &&Route| -> Vec<bool> {
        let segments = route.path.split('/');
        segments.map(|segment| segment.starts_with('{')).collect()
    };
    routes.iter().filter(fits).min_by_key(kinds)
}

fn path_of(segment: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(segment, 1..4).prop_map(|segments| {
        let numbered = segments.iter().enumerate();
        numbered
            .map(|(at, text)| match text.as_str() {
                "x" => format!("/{{x{at}}}"),
                text => format!("/{text}"),
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn agrees_with_the_obvious(
        templates in prop::collection::vec(("GET|PUT", path_of("[abx]")), 0..12),
        requests in prop::collection::vec(("GET|PUT", path_of("[abc]")), 1..20),
    ) {
        let mut compiled = Routes::default();
        let mut added = Vec::new();
        for (at, (method, path)) in templates.iter().enumerate() {
            let route = route(&[method], path, &at.to_string());
            if compiled.add(&route).is_ok() {
                added.push(route);
            }
        }
        for (method, path) in &requests {
            let found = compiled.find(method, path).map(|matched| matched.action.to_owned());
            let expected = obvious(&added, method, path).map(|route| route.action.clone());
            prop_assert_eq!(found, expected, "{} {}", method, path);
        }
    }

    #[test]
    fn any_path_is_judged(path in "(/|:|\\.|%2[eEfF]|%[0-9a-f]{2}|[a-z?#;é\\\\ ]){0,20}") {
        let routes = routes();
        if let Some(matched) = routes.find("GET", &path) {
            // What matched has no other spelling: no segment that a server could resolve.
            let path = path.split('?').next().unwrap();
            prop_assert!(!path.contains("//") && !path.contains("/.") || path.contains("/..."));
            for (_, value) in matched.variables() {
                prop_assert!(!value.is_empty() && !value.contains(['/', '\\', ';', ':', '%', '?']));
                prop_assert!(!value.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn a_value_is_what_was_sent(value in "[a-z@ éß漢]{1,8}") {
        let escaped: String = value
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        prop_assume!(value != "me");
        let expected = format!("get user_id={value}");
        prop_assert_eq!(found("GET", &format!("/v1/users/{escaped}")), Some(expected));
    }
}
