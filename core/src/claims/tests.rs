use super::*;
use crate::fact::{Change, Fact};
use crate::snapshot::Snapshot;

const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
const OTHER: &str = "00000000-0000-0000-0000-00000000000b";
const SID: &str = "00000000-0000-0000-0000-00000000000c";

fn claims(r#type: &str, sub: &str) -> AccessClaims {
    AccessClaims {
        iss: "https://gatepost.example".into(),
        aud: vec!["https://gatepost.example".into()],
        sub: sub.into(),
        iat: 1,
        nbf: 1,
        exp: 3601,
        jti: "j".into(),
        sid: SID.into(),
        azp: None,
        client_id: None,
        scope: "openid".into(),
        rev: 7,
        r#type: r#type.into(),
        owner: "acme".into(),
        name: "ann".into(),
        acr: String::new(),
        amr: Vec::new(),
        auth_time: 0,
        display_name: "Ann".into(),
        tenant_id: TENANT.into(),
        tenant_slug: "acme".into(),
    }
}

#[test]
fn the_names_that_products_read() {
    let json = serde_json::to_string(&claims(TYPE_USER, OTHER)).unwrap();
    let expected = [
        r#"{"iss":"https://gatepost.example","aud":["https://gatepost.example"],"#,
        &format!(r#""sub":"{OTHER}","iat":1,"nbf":1,"exp":3601,"jti":"j","sid":"{SID}","#),
        r#""scope":"openid","rev":7,"type":"normal-user","owner":"acme","name":"ann","#,
        &format!(r#""displayName":"Ann","tenantId":"{TENANT}","tenantSlug":"acme"}}"#),
    ]
    .concat();
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_str::<AccessClaims>(&json).unwrap(),
        claims(TYPE_USER, OTHER)
    );
    assert_eq!(needs_revision(&claims(TYPE_USER, OTHER)), 7);
}

#[test]
fn who_a_token_is() {
    let user = Subject::User(OTHER.parse().unwrap());
    let machine = Subject::Application(OTHER.parse().unwrap());
    let of = |claims: &AccessClaims| subject_of(claims).map(|(_, subject, _)| subject);
    assert_eq!(of(&claims(TYPE_USER, OTHER)), Ok(user));
    assert_eq!(
        of(&claims(TYPE_APPLICATION, &format!("acme/{OTHER}"))),
        Ok(machine)
    );
    let bad = [
        (
            TYPE_APPLICATION,
            format!("other/{OTHER}"),
            ClaimsError::Subject,
        ),
        (TYPE_APPLICATION, OTHER.into(), ClaimsError::Subject),
        (
            TYPE_APPLICATION,
            "admin/midaz-editor-role".into(),
            ClaimsError::Subject,
        ),
        (TYPE_USER, format!("acme/{OTHER}"), ClaimsError::Subject),
        (TYPE_USER, String::new(), ClaimsError::Subject),
        ("", OTHER.into(), ClaimsError::Type),
        ("admin", OTHER.into(), ClaimsError::Type),
    ];
    for (r#type, sub, error) in bad {
        assert_eq!(of(&claims(r#type, &sub)), Err(error), "{type} {sub}");
    }
    let tenant = AccessClaims {
        tenant_id: "acme".into(),
        ..claims(TYPE_USER, OTHER)
    };
    assert_eq!(of(&tenant), Err(ClaimsError::Tenant));
    let session = AccessClaims {
        sid: String::new(),
        ..claims(TYPE_USER, OTHER)
    };
    assert_eq!(of(&session), Err(ClaimsError::Session));
}

fn organization(status: Status) -> Fact {
    let id = TENANT.parse().unwrap();
    Fact::Organization {
        id,
        slug: "acme".into(),
        name: "Acme".into(),
        status,
    }
}

fn user(status: Status) -> Fact {
    let id = OTHER.parse().unwrap();
    Fact::User {
        id,
        username: "ann".into(),
        display_name: "Ann".into(),
        status,
    }
}

fn application(status: Status) -> Fact {
    let id = OTHER.parse().unwrap();
    Fact::Application {
        id,
        name: "midaz".into(),
        client_id: "c".into(),
        status,
    }
}

fn credential(application: &str) -> Fact {
    Fact::Credential {
        id: SID.parse().unwrap(),
        application: application.parse().unwrap(),
    }
}

#[test]
fn what_ends_a_token() {
    use Status::{Active, Suspended};
    let person = Principal::from_claims(&claims(TYPE_USER, OTHER)).unwrap();
    let sub = format!("acme/{OTHER}");
    let machine = Principal::from_claims(&claims(TYPE_APPLICATION, &sub)).unwrap();
    let ended = Fact::EndedSession {
        id: SID.parse().unwrap(),
        until: 9,
    };
    let facts = [
        organization(Active),
        user(Active),
        application(Active),
        credential(OTHER),
    ];
    let system = Snapshot::build(SID.parse().unwrap(), 1, [organization(Active)]);
    let live = Snapshot::build(TENANT.parse().unwrap(), 1, facts);
    let judge = |change: Option<Change>, principal| {
        let organization = live.apply(2, change.as_slice());
        let view = View {
            system: &system,
            organization: &organization,
            single_tenant: false,
            now_s: 0,
        };
        liveness(view, principal)
    };
    assert_eq!(
        (judge(None, person), judge(None, machine)),
        (Ok(()), Ok(()))
    );
    let suspended = Change::updated(organization(Active), organization(Suspended));
    let cases = [
        (suspended.clone(), person, Ended::OrganizationSuspended),
        (suspended, machine, Ended::OrganizationSuspended),
        (Change::removed(user(Active)), person, Ended::UserGone),
        (
            Change::updated(user(Active), user(Suspended)),
            person,
            Ended::UserSuspended,
        ),
        (Change::created(ended.clone()), person, Ended::SessionEnded),
        (Change::created(ended), machine, Ended::SessionEnded),
        (
            Change::removed(application(Active)),
            machine,
            Ended::ApplicationGone,
        ),
        (
            Change::created(application(Suspended)),
            machine,
            Ended::ApplicationSuspended,
        ),
        (
            Change::removed(credential(OTHER)),
            machine,
            Ended::CredentialGone,
        ),
        (
            Change::created(credential(TENANT)),
            machine,
            Ended::CredentialGone,
        ),
    ];
    for (change, principal, ended) in cases {
        assert_eq!(judge(Some(change), principal), Err(ended));
    }
}

#[test]
fn the_organization_must_be_there() {
    let person = Principal::from_claims(&claims(TYPE_USER, OTHER)).unwrap();
    let own = Snapshot::build(TENANT.parse().unwrap(), 1, [user(Status::Active)]);
    let empty = Snapshot::build(SID.parse().unwrap(), 1, []);
    let judge = |system, organization| {
        liveness(
            View {
                system,
                organization,
                single_tenant: false,
                now_s: 0,
            },
            person,
        )
    };
    assert_eq!(judge(&empty, &own), Err(Ended::OrganizationGone));
    assert_eq!(
        judge(&empty, &empty),
        Err(Ended::OrganizationGone),
        "another's snapshot"
    );
    let listed = Snapshot::build(SID.parse().unwrap(), 1, [organization(Status::Active)]);
    assert_eq!(judge(&listed, &own), Ok(()));
    let listed = Snapshot::build(SID.parse().unwrap(), 1, [organization(Status::Suspended)]);
    assert_eq!(judge(&listed, &own), Err(Ended::OrganizationSuspended));
}
