//! Fills every tenant of an embedded database with users, for measuring memory.
//!
//! `fill DATA_FOLDER USERS_PER_ORGANIZATION`; a running server feels it within its bound.

use std::error::Error;

use gatepost_core::{Member, Status, UserId};
use gatepost_store::{
    Actor, AuditDraft, GroupFilter, PasswordHash, Scope, Store, StoreConfig, User, Walk,
};
use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

/// Groups that each user becomes a member of.
const GROUPS_PER_USER: usize = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which data folder?")?;
    let users: usize = arguments.next().ok_or("how many users?")?.parse()?;
    let store = Store::open(StoreConfig::new(folder)).await?;
    let system = store
        .installation()
        .await?
        .ok_or("no installation")?
        .system_organization;
    let organizations = store.read(system).await?.organizations().ids().await?;
    let tenants = organizations.into_iter().filter(|one| *one != system);
    let mut filled = 0;
    for tenant in tenants {
        let tx = store.write(tenant).await?;
        fill(&tx, users).await?;
        tx.commit(draft()).await?;
        filled += 1;
    }
    println!("{filled} organizations with {users} more users each");
    Ok(())
}

async fn fill(tx: &Scope, users: usize) -> Result<(), Box<dyn Error>> {
    let filter = GroupFilter {
        built_in: Some(true),
    };
    let groups = tx
        .groups()
        .list(
            &filter,
            Walk::Page {
                page: 1,
                limit: 100,
            },
        )
        .await?
        .items;
    for number in 0..users {
        let name = format!("user-{number}-{}", id());
        let now = OffsetDateTime::UNIX_EPOCH;
        let user = User {
            id: UserId::new(id()),
            username: name.clone(),
            username_key: name.clone(),
            email: None,
            email_key: None,
            email_verified: false,
            first_name: "Generated".to_owned(),
            last_name: "User".to_owned(),
            password_hash: PasswordHash("!".to_owned()),
            status: Status::Active,
            created_at: now,
            updated_at: now,
        };
        tx.users().insert(&user).await?;
        for step in 0..GROUPS_PER_USER {
            let chosen = groups.iter().cycle().nth(number + step * 5);
            if let Some(group) = chosen {
                tx.groups()
                    .add_member(group.id, Member::User(user.id))
                    .await?;
            }
        }
    }
    Ok(())
}

fn draft() -> AuditDraft {
    let actor = Actor {
        kind: "operator".to_owned(),
        id: String::new(),
        name: "fill".to_owned(),
    };
    AuditDraft {
        id: id(),
        at: OffsetDateTime::UNIX_EPOCH,
        actor,
        action: "user.create".to_owned(),
        target: None,
        before: None,
        after: None,
        outcome: "success".to_owned(),
        reason: None,
        request_id: None,
        address: None,
    }
}

fn id() -> Uuid {
    Uuid::new_v7(Timestamp::now(NoContext))
}
