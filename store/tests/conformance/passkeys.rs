//! Passkeys: found by their credential, an organization's own, and one factor together.

use gatepost_core::mfa::Method;
use gatepost_store::{Passkey, StoreError, User};
use time::Duration;
use uuid::Uuid;

use crate::world::{World, draft, now, user};

fn passkey(user: &User, number: u8) -> Passkey {
    Passkey {
        id: Uuid::from_u128(u128::from(number) + 1),
        user: user.id,
        credential_hash: vec![number; 32],
        sealed: vec![number],
        name: format!("key {number}"),
        backed_up: false,
        created_at: now() + Duration::seconds(number.into()),
        last_used_at: None,
    }
}

pub async fn passkeys_are_one_factor(world: World) {
    let ann = world.add_user("Ann").await;
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.mfa().factors(ann.id).await.unwrap(), []);
    let (one, two) = (passkey(&ann, 1), passkey(&ann, 2));
    for each in [&two, &one] {
        tx.mfa().add_passkey(each).await.unwrap();
    }
    let present = tx.mfa().passkeys(ann.id).await.unwrap();
    assert_eq!(present, [one.clone(), two.clone()]);
    let factors = tx.mfa().factors(ann.id).await.unwrap();
    assert_eq!(factors.len(), 1);
    assert_eq!(
        (factors[0].method, factors[0].pending),
        (Method::Passkey, false)
    );
    assert_eq!(
        (factors[0].created_at, factors[0].preferred_at),
        (one.created_at, None)
    );
    assert!(
        tx.mfa()
            .prefer(ann.id, Method::Passkey, now())
            .await
            .unwrap()
    );
    let three = passkey(&ann, 3);
    tx.mfa().add_passkey(&three).await.unwrap();
    assert!(tx.mfa().remove_passkey(ann.id, one.id).await.unwrap());
    assert!(!tx.mfa().remove_passkey(ann.id, one.id).await.unwrap());
    assert!(tx.mfa().remove_passkey(ann.id, two.id).await.unwrap());
    let factors = tx.mfa().factors(ann.id).await.unwrap();
    assert_eq!(
        factors[0].preferred_at,
        Some(now()),
        "the new one is preferred, too"
    );
    assert_eq!(
        tx.mfa()
            .remove_factors(ann.id, Some(Method::App))
            .await
            .unwrap(),
        0
    );
    assert_eq!(tx.mfa().remove_factors(ann.id, None).await.unwrap(), 1);
    assert_eq!(tx.mfa().passkeys(ann.id).await.unwrap(), []);
    let prefer = tx.mfa().prefer(ann.id, Method::Passkey, now());
    assert!(!prefer.await.unwrap());
}

pub async fn what_is_known_of_a_passkey_changes(world: World) {
    let ann = world.add_user("Ann").await;
    let tx = world.store.write(world.acme).await.unwrap();
    let three = passkey(&ann, 3);
    tx.mfa().add_passkey(&three).await.unwrap();
    let used = Passkey {
        sealed: vec![9],
        backed_up: true,
        ..three.clone()
    };
    tx.mfa().use_passkey(&used, now()).await.unwrap();
    assert!(
        tx.mfa()
            .rename_passkey(ann.id, three.id, "new")
            .await
            .unwrap()
    );
    let known = tx.mfa().passkey_of(&three.credential_hash).await.unwrap();
    let expected = Passkey {
        name: "new".to_owned(),
        last_used_at: Some(now()),
        ..used
    };
    assert_eq!(known, Some(expected));
}

pub async fn a_credential_is_there_once_in_an_organization(world: World) {
    let (ann, bob) = (world.add_user("Ann").await, world.add_user("Bob").await);
    let tx = world.store.write(world.acme).await.unwrap();
    tx.mfa().add_passkey(&passkey(&ann, 1)).await.unwrap();
    let taken = Passkey {
        id: Uuid::from_u128(99),
        ..passkey(&bob, 1)
    };
    let refused = tx.mfa().add_passkey(&taken).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    let other = passkey(&bob, 2);
    tx.mfa().add_passkey(&other).await.unwrap();
    // Nobody renames or removes somebody else's.
    assert!(
        !tx.mfa()
            .rename_passkey(ann.id, other.id, "x")
            .await
            .unwrap()
    );
    assert!(!tx.mfa().remove_passkey(ann.id, other.id).await.unwrap());
    tx.commit(draft("passkey.add")).await.unwrap();
    let carl = user("Carl");
    let tx = world.store.write(world.globex).await.unwrap();
    assert_eq!(tx.mfa().passkey_of(&[1; 32]).await.unwrap(), None);
    assert_eq!(tx.mfa().passkeys(ann.id).await.unwrap(), []);
    tx.users().insert(&carl).await.unwrap();
    tx.mfa().add_passkey(&passkey(&carl, 1)).await.unwrap();
    tx.commit(draft("passkey.add")).await.unwrap();
    let door = world.store.sign_in().await.unwrap();
    let mut owners = door.passkey_owners(&[1; 32]).await.unwrap();
    owners.sort_unstable();
    let mut expected = vec![(world.acme, ann.id), (world.globex, carl.id)];
    expected.sort_unstable();
    assert_eq!(owners, expected);
    assert_eq!(door.passkey_owners(&[7; 32]).await.unwrap(), []);
    drop(door);
    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().delete(ann.id).await.unwrap();
    assert_eq!(tx.mfa().passkey_of(&[1; 32]).await.unwrap(), None);
    assert_eq!(tx.mfa().passkey_of(&[2; 32]).await.unwrap(), Some(other));
}
