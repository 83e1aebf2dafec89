use uuid::Uuid;

use super::*;

fn samples() -> Vec<(Fact, &'static str, &'static str)> {
    let id = Uuid::from_u128(1);
    let (user, group, role) = (UserId::new(id), GroupId::new(id), RoleId::new(id));
    let text = String::from;
    vec![
        (
            Fact::Organization {
                id: OrganizationId::new(id),
                slug: text("a"),
                name: text("A"),
                status: Status::Active,
            },
            r#"{"noun":"organization","id":"ID","slug":"a","name":"A","status":"active"}"#,
            "organization:ID",
        ),
        (
            Fact::User {
                id: user,
                username: text("ann"),
                display_name: text("Ann"),
                status: Status::Suspended,
            },
            concat!(
                r#"{"noun":"user","id":"ID","username":"ann","display_name":"Ann","#,
                r#""status":"suspended"}"#
            ),
            "user:ID",
        ),
        (
            Fact::Member {
                group,
                member: Member::User(user),
            },
            r#"{"noun":"member","group":"ID","member":{"user":"ID"}}"#,
            "member:ID:user:ID",
        ),
        (
            Fact::Role {
                id: role,
                product: text("midaz"),
                name: text("r"),
                permissions: vec![RolePermission {
                    resource: text("accounts"),
                    action: text("*"),
                    effect: Effect::Deny,
                }],
                built_in: false,
            },
            concat!(
                r#"{"noun":"role","id":"ID","product":"midaz","name":"r","permissions":"#,
                r#"[{"resource":"accounts","action":"*","effect":"deny"}]}"#
            ),
            "role:ID",
        ),
    ]
}

fn built_in_samples() -> Vec<(Fact, &'static str, &'static str)> {
    let id = Uuid::from_u128(1);
    let (group, role) = (GroupId::new(id), RoleId::new(id));
    let text = String::from;
    vec![
        (
            Fact::Role {
                id: role,
                product: text("midaz"),
                name: text("r"),
                permissions: vec![],
                built_in: true,
            },
            concat!(
                r#"{"noun":"role","id":"ID","product":"midaz","name":"r","permissions":[],"#,
                r#""built_in":true}"#
            ),
            "role:ID",
        ),
        (
            Fact::Group {
                id: group,
                name: text("g"),
                built_in: true,
            },
            r#"{"noun":"group","id":"ID","name":"g","built_in":true}"#,
            "group:ID",
        ),
    ]
}

fn more_samples() -> Vec<(Fact, &'static str, &'static str)> {
    let id = Uuid::from_u128(1);
    let (group, role) = (GroupId::new(id), RoleId::new(id));
    let text = String::from;
    vec![
        (
            Fact::Grant {
                subject: GrantSubject::Group(group),
                role,
                until: None,
                limits: vec![],
            },
            r#"{"noun":"grant","subject":{"group":"ID"},"role":"ID"}"#,
            "grant:group:ID:ID",
        ),
        (
            Fact::Grant {
                subject: GrantSubject::Group(group),
                role,
                until: Some(7),
                limits: vec![AttributeLimit {
                    attribute: text("ledger_id"),
                    values: vec![text("a"), text("b")],
                }],
            },
            concat!(
                r#"{"noun":"grant","subject":{"group":"ID"},"role":"ID","until":7,"#,
                r#""limits":[{"attribute":"ledger_id","values":["a","b"]}]}"#
            ),
            "grant:group:ID:ID",
        ),
        (
            Fact::EndedSession {
                id: SessionId::new(id),
                until: 5,
            },
            r#"{"noun":"ended_session","id":"ID","until":5}"#,
            "ended_session:ID",
        ),
        (
            Fact::SigningKey {
                kid: text("k"),
                algorithm: Algorithm::EdDSA,
                jwk: text("{}"),
                signs: true,
            },
            r#"{"noun":"signing_key","kid":"k","algorithm":"EdDSA","jwk":"{}","signs":true}"#,
            "signing_key:k",
        ),
    ]
}

fn product_samples() -> Vec<(Fact, &'static str, &'static str)> {
    let role = RoleId::new(Uuid::from_u128(1));
    let text = String::from;
    vec![
        (
            Fact::Product {
                demands: Vec::new(),
                slug: text("p"),
                aliases: vec![text("q")],
                declared: vec![(text("r"), text("get"))],
                everyone: vec![role],
                routes: vec![],
            },
            concat!(
                r#"{"noun":"product","slug":"p","aliases":["q"],"declared":[["r","#,
                r#""get"]],"everyone":["ID"]}"#
            ),
            "product:p",
        ),
        (
            Fact::Product {
                demands: Vec::new(),
                slug: text("p"),
                aliases: vec![],
                declared: vec![],
                everyone: vec![],
                routes: vec![crate::Route {
                    methods: vec![text("GET")],
                    path: text("/r/{id}"),
                    resource: text("r"),
                    action: text("get"),
                }],
            },
            concat!(
                r#"{"noun":"product","slug":"p","aliases":[],"declared":[],"everyone":[],"#,
                r#""routes":[{"methods":["GET"],"path":"/r/{id}","resource":"r","#,
                r#""action":"get"}]}"#
            ),
            "product:p",
        ),
    ]
}

#[test]
fn wire_form() {
    // Feed rows outlive the program that wrote them, so their form is a contract.
    let id = Uuid::from_u128(1).to_string();
    for (fact, json, key) in samples()
        .into_iter()
        .chain(built_in_samples())
        .chain(product_samples())
        .chain(more_samples())
    {
        let json = json.replace("ID", &id);
        assert_eq!(serde_json::to_string(&fact).unwrap(), json);
        assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
        assert_eq!(fact.key().to_string(), key.replace("ID", &id));
    }
}

#[test]
fn changes() {
    let (fact, json, _) = samples().remove(0);
    let json = json.replace("ID", &Uuid::from_u128(1).to_string());
    let created = Change::created(fact.clone());
    let text = serde_json::to_string(&created).unwrap();
    assert_eq!(text, format!(r#"{{"after":{json}}}"#));
    assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), created);
    assert_eq!(created.clone().inverse(), Change::removed(fact.clone()));
    assert_eq!(created.key(), Some(fact.key()));
    assert_eq!(
        Change::updated(fact.clone(), fact.clone()).inverse().key(),
        Some(fact.key())
    );
}
