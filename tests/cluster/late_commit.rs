//! Writes that commit late, and transactions that take long: neither is skipped, neither is waited
//! for.

use tokio::time::Instant;

use gatepost_core::{Member, OrganizationId, UserId};
use gatepost_store::{Actor, AuditDraft, Store, StoreConfig};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::replicas::{Cluster, Replica, allowed, refused, settled};
use crate::rest::Subject;
use crate::servers::postgres;

/// An organization with an administrator and a viewer of midaz.
struct Tenant {
    id: OrganizationId,
    admin: String,
    alice: Subject,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_commits_late_is_not_skipped() {
    let cluster = Cluster::start();
    let many = [("GATEPOST_MULTI_TENANT", "true")];
    let (a, b) = (cluster.replica(&many).await, cluster.replica(&many).await);
    let root = a.token("admin").await;
    let late = tenant(&a, &root, "late").await;
    let prompt = tenant(&a, &root, "prompt").await;
    for tenant in [&late, &prompt] {
        assert!(settled(&b, &tenant.alice.token).await.is_yes());
    }

    let mut config = StoreConfig::new(std::env::temp_dir());
    config.url = Some(cluster.database.server_url.clone());
    let store = Store::open(config).await.unwrap();
    let tx = store.write(late.id).await.unwrap();
    let group = tx.groups().by_name("midaz-viewer-group").await.unwrap();
    let alice = Member::User(late.alice.id.parse::<UserId>().unwrap());
    let removed = tx.groups().remove_member(group.unwrap().id, alice).await;
    assert!(removed.unwrap());

    // Others commit meanwhile, and B follows them past the moment of the open write.
    for _ in 0..3 {
        leaves(&a, &prompt).await;
        let (answer, _) = refused(&b, &prompt.alice.token, Instant::now()).await;
        assert_eq!(answer.reason(), "permission");
        joins(&a, &prompt).await;
        allowed(&b, &prompt.alice.token).await;
    }
    assert!(settled(&b, &late.alice.token).await.is_yes());

    tx.commit(draft()).await.unwrap();
    let (answer, _) = refused(&b, &late.alice.token, Instant::now()).await;
    assert_eq!(answer.reason(), "permission");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_foreign_transaction_stops_nothing() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    let admin = a.token("admin").await;
    let alice = a.person(&admin, "alice", &["midaz-viewer-group"]).await;
    let alice = Tenant {
        id: OrganizationId::new(Uuid::nil()),
        admin,
        alice,
    };
    let name = cluster.database.name.clone();
    let foreign = std::thread::spawn(move || {
        let sql = "create table foreign_to_us (id int); select txid_current(), pg_sleep(4)";
        postgres::shared().psql(&name, sql);
    });
    for _ in 0..3 {
        allowed(&b, &alice.alice.token).await;
        leaves(&a, &alice).await;
        let (answer, _) = refused(&b, &alice.alice.token, Instant::now()).await;
        assert_eq!(answer.reason(), "permission");
        joins(&a, &alice).await;
    }
    assert!(
        !foreign.is_finished(),
        "the other transaction was too short"
    );
    foreign.join().unwrap();
}

async fn tenant(a: &Replica, root: &str, slug: &str) -> Tenant {
    let (id, admin) = a.organization(root, slug).await;
    let name = format!("alice-of-{slug}");
    let alice = a.person(&admin, &name, &["midaz-viewer-group"]).await;
    Tenant {
        id: id.parse().unwrap(),
        admin,
        alice,
    }
}

async fn leaves(a: &Replica, tenant: &Tenant) {
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", tenant.alice.id);
    a.must(&tenant.admin, "DELETE", &path, Value::Null).await;
}

async fn joins(a: &Replica, tenant: &Tenant) {
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", tenant.alice.id);
    a.must(&tenant.admin, "PUT", &path, Value::Null).await;
}

fn draft() -> AuditDraft {
    AuditDraft {
        id: Uuid::from_u128(1),
        at: OffsetDateTime::now_utc(),
        actor: Actor {
            kind: "operator".to_owned(),
            id: String::new(),
            name: "test".to_owned(),
        },
        action: "group.remove_member".to_owned(),
        target: None,
        before: None,
        after: None,
        outcome: "success".to_owned(),
        reason: None,
        request_id: None,
        address: None,
    }
}
