//! Who carries messages, and whether one may sign in with a password.

use gatepost_store::{Channel, MessageProvider, Organization, StoreError};

use crate::world::{World, application, draft, id, now};

fn provider(name: &str, channel: Channel, is_default: bool) -> MessageProvider {
    MessageProvider {
        id: id(),
        channel,
        name: name.into(),
        settings: r#"{"url":"smtps://mail.example.com"}"#.into(),
        sealed_secrets: vec![1, 2, 3],
        is_default,
        created_at: now(),
    }
}

pub async fn a_link_is_before_the_default(world: World) {
    let shop = application("shop");
    let tx = world.store.write(world.acme).await.unwrap();
    tx.applications().insert(&shop).await.unwrap();
    let providers = tx.message_providers();
    assert_eq!(providers.carrier(Channel::Mail, None).await.unwrap(), None);
    let first = provider("first", Channel::Mail, true);
    let second = provider("second", Channel::Mail, false);
    let texts = provider("texts", Channel::Sms, true);
    for one in [&first, &second, &texts] {
        providers.insert(one).await.unwrap();
    }
    let carrier = async |channel, application| {
        let found = providers.carrier(channel, application).await.unwrap();
        found.map(|provider| provider.name)
    };
    assert_eq!(carrier(Channel::Mail, None).await.unwrap(), "first");
    assert_eq!(carrier(Channel::Sms, None).await.unwrap(), "texts");
    assert_eq!(
        carrier(Channel::Mail, Some(shop.id)).await.unwrap(),
        "first"
    );
    providers.link(shop.id, second.id).await.unwrap();
    assert_eq!(
        carrier(Channel::Mail, Some(shop.id)).await.unwrap(),
        "second"
    );
    assert_eq!(carrier(Channel::Sms, Some(shop.id)).await.unwrap(), "texts");
    assert_eq!(carrier(Channel::Mail, None).await.unwrap(), "first");
    // A new default takes the place of the one before; a link may be changed.
    let third = provider("third", Channel::Mail, true);
    providers.insert(&third).await.unwrap();
    assert_eq!(carrier(Channel::Mail, None).await.unwrap(), "third");
    providers.link(shop.id, third.id).await.unwrap();
    assert_eq!(
        carrier(Channel::Mail, Some(shop.id)).await.unwrap(),
        "third"
    );
    // An application takes its links with it.
    let gone = tx.applications().delete(shop.id, now(), now());
    gone.await.unwrap();
    assert_eq!(
        carrier(Channel::Mail, Some(shop.id)).await.unwrap(),
        "third"
    );
    tx.commit(draft("provider.create")).await.unwrap();
}

pub async fn a_provider_is_its_organizations_own(world: World) {
    let mine = provider("mail", Channel::Mail, true);
    let tx = world.store.write(world.acme).await.unwrap();
    tx.message_providers().insert(&mine).await.unwrap();
    tx.commit(draft("provider.create")).await.unwrap();
    let tx = world.store.read(world.acme).await.unwrap();
    let found = tx.message_providers().carrier(Channel::Mail, None).await;
    assert_eq!(found.unwrap(), Some(mine.clone()));
    let shop = application("shop");
    let tx = world.store.write(world.globex).await.unwrap();
    tx.applications().insert(&shop).await.unwrap();
    let theirs = tx.message_providers();
    assert_eq!(theirs.carrier(Channel::Mail, None).await.unwrap(), None);
    let refused = theirs.link(shop.id, mine.id).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound { .. }), "{refused}");
    drop(tx);
    let tx = world.store.write(world.acme).await.unwrap();
    let again = provider("mail", Channel::Mail, false);
    let refused = tx.message_providers().insert(&again).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
}

pub async fn password_sign_in_is_on_until_it_is_put_off(world: World) {
    let tx = world.store.write(world.system).await.unwrap();
    let acme = tx.organizations().get(world.acme).await.unwrap().unwrap();
    assert!(acme.password_sign_in);
    let off = Organization {
        password_sign_in: false,
        ..acme.clone()
    };
    tx.organizations().update(&off).await.unwrap();
    tx.commit(draft("organization.update")).await.unwrap();
    for organization in [world.system, world.acme] {
        let tx = world.store.read(organization).await.unwrap();
        let found = tx.organizations().get(world.acme).await.unwrap().unwrap();
        assert_eq!(found, off);
        // No fact differs, and both logs tell of it.
        let log = tx.audit().chain(0, 10).await.unwrap();
        assert_eq!(log.last().unwrap().action, "organization.update");
    }
    let feed = world.store.feed();
    let changes = feed.changes(world.acme, 1, 2).await.unwrap().unwrap();
    assert_eq!(changes.len(), 1);
}
