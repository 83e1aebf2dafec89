//! What the tests of searches have in common.

use std::collections::BTreeSet;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::identity::role;
use crate::world::{Actor, World};

/// Everything that is found, page by page; `list` is the name of a page's items.
pub async fn pages(
    world: &World,
    actor: &Actor,
    path: &str,
    list: &str,
    ask: &Value,
) -> Vec<Value> {
    let mut found = Vec::new();
    let mut ask = ask.clone();
    loop {
        let answer = world.post(actor, path, ask.clone()).await;
        let page = answer.is(200);
        let items = page[list].as_array().unwrap();
        assert!(items.len() as u64 <= ask["limit"].as_u64().unwrap());
        found.extend(items.clone());
        ask["cursor"] = page["nextCursor"].clone();
        if ask["cursor"] == "" {
            return found;
        }
    }
}

/// A search for names of midaz: of resources for one action, or of actions on one resource.
pub struct Search {
    /// Where it is asked.
    pub path: &'static str,
    /// The field of a permission that is searched.
    pub wanted: &'static str,
    /// The field that is given, and its value.
    pub given: (&'static str, &'static str),
    /// A name that is found.
    pub found: &'static str,
}

impl Search {
    /// A question about this subject.
    fn question(&self, sub: &str, limit: u32) -> Value {
        let (field, value) = self.given;
        json!({"sub": sub, "product": "midaz", field: value, "limit": limit})
    }

    /// Everything that is found, by pages of this size.
    async fn all(&self, world: &World, actor: &Actor, sub: &str, limit: u32) -> Vec<String> {
        let list = format!("{}s", self.wanted);
        let ask = self.question(sub, limit);
        let found = pages(world, actor, self.path, &list, &ask).await;
        let names = found.iter().map(|name| name.as_str().unwrap().to_owned());
        names.collect()
    }

    /// The permission that has this name beside what is given: resource and action.
    fn permission<'a>(&self, name: &'a str) -> (&'a str, &'a str) {
        if self.wanted == "resource" {
            (name, self.given.1)
        } else {
            (self.given.1, name)
        }
    }

    /// Checks that alice, whom it makes, finds all that Authorize allows her and nothing else, and
    /// that an administrator finds the same about her; answers with her and with that.
    pub async fn finds_what_authorize_allows(&self, world: &World) -> (Actor, Vec<String>) {
        let alice = world.person("alice", &["midaz-viewer-group"]).await;
        let (resource, action) = self.permission("extra");
        let extra = format!("{resource}:{action}");
        role(world, &world.admin, "extra", "midaz", &[&extra]).await;
        let path = format!("/v1/users/{}/roles/extra", alice.id);
        world.put(&world.admin, &path).await.is(204);
        let declared = world.get(&world.admin, "/v1/declarations/midaz").await;
        let lines = declared.is(200)["manifest"]["permissions"].as_array();
        let names = lines.unwrap().iter();
        let names = names.map(|line| line[self.wanted].as_str().unwrap());
        let mut expected = Vec::new();
        for name in names.chain(["extra"]).collect::<BTreeSet<_>>() {
            let (resource, action) = self.permission(name);
            if name != "*" && world.may(&alice, "midaz", resource, action).await {
                expected.push(name.to_owned());
            }
        }
        for name in ["extra", self.found] {
            assert!(expected.iter().any(|found| found == name), "{name}");
        }
        for limit in [1, 3, 100] {
            assert_eq!(self.all(world, &alice, "", limit).await, expected);
            let sub = format!("default/{}", alice.id);
            assert_eq!(self.all(world, &world.admin, &sub, limit).await, expected);
        }
        (alice, expected)
    }

    /// Checks that nobody finds what others may.
    pub async fn tells_nobody_of_others(&self, world: &World) {
        let alice = world.person("alice", &[]).await;
        assert!(self.all(world, &alice, "", 10).await.is_empty());
        let admin = self.question(&format!("default/{}", world.admin.id), 10);
        let refused = world.post(&alice, self.path, admin.clone()).await;
        refused.refuses(ErrorReason::SubjectForeign);
        let refused = world.post_openly(self.path, admin).await;
        refused.refuses(ErrorReason::TokenMissing);
        let many = self.question("", 101);
        let refused = world.post(&alice, self.path, many).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
}
