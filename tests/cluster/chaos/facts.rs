//! Facts that come and go: somebody may do something, by one of the ways in which that can be so.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::history::{Done, Effect, Moment, Write};
use super::scene::{Scene, Station};
use super::writers::CALL_MAX;
use crate::rest::{Answer, PASSWORD};

const GROUP: &str = "midaz-viewer-group";
const ROLE: &str = "midaz-viewer-role";

/// How somebody has a permission, and loses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A user in a group.
    Member,
    /// A group in a group.
    Nested,
    /// A role of a group.
    GroupRole,
    /// A role of a user.
    UserRole,
    /// A permission in a role.
    RoleEdit,
    /// A second role, which denies.
    Deny,
    /// The user's own status: her sessions end with it, and only once.
    Suspension,
    /// The session that the token is of, which ends only once.
    Session,
}

/// All of them.
pub const WAYS: [Way; 8] = [
    Way::Member,
    Way::Nested,
    Way::GroupRole,
    Way::UserRole,
    Way::RoleEdit,
    Way::Deny,
    Way::Suspension,
    Way::Session,
];

impl Way {
    /// Whether what is revoked once is never granted again to the same token.
    pub const fn ends_once(self) -> bool {
        matches!(self, Self::Suspension | Self::Session)
    }
}

/// Whether one user may get accounts of midaz.
#[derive(Debug)]
pub struct Fact {
    /// Names it, and all that was made for it.
    pub number: usize,
    /// What it hangs on.
    pub way: Way,
    /// Her token.
    pub token: String,
    user: String,
}

/// What came of a write.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// It was committed.
    Done(Done),
    /// It was not written, and never will be.
    Refused,
    /// Nobody knows whether it was committed or will be.
    Unknown,
}

/// A call of an administrator.
type Call = (&'static str, String, Value);

impl Fact {
    /// Makes a user and what else it needs. None if a call of that fails: then it is left as it is.
    pub async fn make(scene: &Scene, station: &Station, number: usize) -> Option<Self> {
        let way = WAYS[number % WAYS.len()];
        let name = format!("user-{number}");
        let user = json!({
            "username": name,
            "email": format!("{name}@example.com"),
            "firstName": "Test",
            "lastName": name,
            "password": PASSWORD,
        });
        let user = made(scene, station, ("POST", "/v1/users".to_owned(), user)).await?;
        let mut fact = Self {
            number,
            way,
            token: String::new(),
            user: user.text("id"),
        };
        for call in fact.preparation() {
            made(scene, station, call).await?;
        }
        let signed_in = timeout(CALL_MAX, sign_in(station, &name)).await.ok()??;
        fact.token = signed_in.text("accessToken");
        Some(fact)
    }

    /// Whether it is granted as soon as it is made.
    pub fn begins_granted(&self) -> bool {
        matches!(self.way, Way::Deny | Way::Suspension | Way::Session)
    }

    /// What must be there besides the user.
    fn preparation(&self) -> Vec<Call> {
        let (number, user) = (self.number, &self.user);
        let membership = |group: &str| {
            let path = format!("/v1/groups/{group}/members/{user}");
            ("PUT", path, Value::Null)
        };
        let group = |name: String| ("POST", "/v1/groups".to_owned(), json!({"name": name}));
        let (own, inner) = (format!("group-{number}"), format!("inner-{number}"));
        match self.way {
            Way::Member | Way::UserRole => Vec::new(),
            Way::Nested => {
                let role = format!("/v1/groups/{own}/roles/{ROLE}");
                let member = membership(&inner);
                vec![group(own), ("PUT", role, json!({})), group(inner), member]
            }
            Way::GroupRole => {
                let member = membership(&own);
                vec![group(own), member]
            }
            Way::RoleEdit => {
                let role = json!({"name": self.role(), "product": "midaz", "permissions": []});
                let given = format!("/v1/users/{user}/roles/{}", self.role());
                let role = ("POST", "/v1/roles".to_owned(), role);
                vec![role, ("PUT", given, json!({}))]
            }
            Way::Deny => {
                let denied = [permission("PERMISSION_EFFECT_DENY")];
                let role = json!({"name": self.role(), "product": "midaz", "permissions": denied});
                let role = ("POST", "/v1/roles".to_owned(), role);
                vec![role, membership(GROUP)]
            }
            Way::Suspension | Way::Session => vec![membership(GROUP)],
        }
    }

    /// The call that grants or revokes it.
    fn change(&self, effect: Effect) -> Call {
        let is_grant = effect == Effect::Grant;
        let there = |path: String| {
            if is_grant {
                ("PUT", path, json!({}))
            } else {
                ("DELETE", path, Value::Null)
            }
        };
        let (number, user) = (self.number, &self.user);
        let group = format!("/v1/groups/group-{number}");
        match self.way {
            Way::Member => there(format!("/v1/groups/{GROUP}/members/{user}")),
            Way::Nested => {
                let inner = format!("inner-{number}");
                let groups = if is_grant { vec![inner] } else { Vec::new() };
                ("PATCH", group, json!({"groups": groups}))
            }
            Way::GroupRole => there(format!("{group}/roles/{ROLE}")),
            Way::UserRole => there(format!("/v1/users/{user}/roles/{ROLE}")),
            Way::RoleEdit => {
                let allowed = permission("PERMISSION_EFFECT_ALLOW");
                let permissions = if is_grant { vec![allowed] } else { Vec::new() };
                let path = format!("/v1/roles/{}", self.role());
                ("PATCH", path, json!({"permissions": permissions}))
            }
            Way::Deny => {
                let path = format!("/v1/users/{user}/roles/{}", self.role());
                if is_grant {
                    ("DELETE", path, Value::Null)
                } else {
                    ("PUT", path, json!({}))
                }
            }
            Way::Suspension => {
                let path = format!("/v1/users/{user}");
                ("PATCH", path, json!({"status": "suspended"}))
            }
            Way::Session => ("POST", "/v1/logout".to_owned(), json!({})),
        }
    }

    /// Grants or revokes it by one call to a replica.
    pub async fn write(&self, scene: &Scene, station: &Station, effect: Effect) -> Outcome {
        let (method, path, body) = self.change(effect);
        let is_session = self.way == Way::Session;
        let token = if is_session {
            &self.token
        } else {
            &scene.admin
        };
        let Some(answer) = call(station, token, (method, path, body)).await else {
            return Outcome::Unknown;
        };
        let at = scene.now();
        let done = |revision| Outcome::Done(Done { at, revision });
        match (answer.status, answer.reason()) {
            (200..300, _) => done(Some(answer.revision())),
            // It is so already: an attempt before this one came through.
            (401, "SESSION_ENDED") if is_session => done(None),
            (404, _) if effect == Effect::Revoke => done(None),
            // It was looked for a caller, and nothing was begun.
            (503, "STALE") => Outcome::Refused,
            (409 | 503 | 504, _) => Outcome::Unknown,
            _ => panic!("{effect:?} of {self:?}: {answer:?}"),
        }
    }

    /// A write that has just been made.
    pub fn written(&self, effect: Effect, begun: Moment, done: Option<Done>) -> Write {
        Write {
            fact: self.number,
            effect,
            begun,
            done,
        }
    }

    fn role(&self) -> String {
        format!("role-{}", self.number)
    }
}

fn permission(effect: &str) -> Value {
    json!({"resource": "accounts", "action": "get", "effect": effect})
}

async fn made(scene: &Scene, station: &Station, what: Call) -> Option<Answer> {
    let answer = call(station, &scene.admin, what).await?;
    (answer.status < 300).then_some(answer)
}

async fn sign_in(station: &Station, name: &str) -> Option<Answer> {
    let body = json!({"grantType": "password", "username": name, "password": PASSWORD});
    let what = ("POST", "/v1/login/oauth/access_token".to_owned(), body);
    let answer = call(station, "", what).await?;
    (answer.status < 300).then_some(answer)
}

/// What is answered, if anything is in time.
async fn call(station: &Station, token: &str, (method, path, body): Call) -> Option<Answer> {
    let mut request = station.rest.request(token, method, &path);
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = timeout(CALL_MAX, station.rest.send(request)).await;
    answer.ok()?.ok()
}
