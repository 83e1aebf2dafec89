//! Machine clients.

use gatepost_core::{Algorithm, Fact, GrantSubject, Status};
use gatepost_store::{
    Application, ApplicationFilter, ClientSettings, Grant, GrantType, StoreError, Walk,
};
use time::Duration;

use crate::world::{World, application, credential, draft, id, now, session};

pub async fn an_application_lives(world: World) {
    let machine = application("Robot");
    let secret = credential(machine.id);
    let tx = world.store.write(world.acme).await.unwrap();
    tx.applications().insert(&machine).await.unwrap();
    tx.applications().add_credential(&secret).await.unwrap();
    tx.commit(draft("application.create")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    let applications = tx.applications();
    let found = applications.by_client_id(&machine.client_id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&machine));
    let found = applications.by_name("robot").await.unwrap();
    assert_eq!(found.as_ref(), Some(&machine));
    let secrets = applications.credentials(machine.id).await.unwrap();
    assert_eq!(secrets, [secret]);
    let other = Application {
        name: "Machine".into(),
        name_key: "machine".into(),
        token_algorithm: Algorithm::RS256,
        status: Status::Suspended,
        settings: ClientSettings {
            redirect_uris: vec!["https://app.test/cb".into()],
            grant_types: vec![GrantType::AuthorizationCode],
            public: true,
            ..ClientSettings::default()
        },
        ..machine.clone()
    };
    applications.update(&other).await.unwrap();
    assert_eq!(applications.get(machine.id).await.unwrap(), Some(other));
    let status = Some(Status::Suspended);
    let walk = Walk::Page { page: 1, limit: 10 };
    let suspended = applications.list(&ApplicationFilter { status }, walk).await;
    assert_eq!(suspended.unwrap().total, Some(1));
}

pub async fn an_application_goes_with_all_it_has(world: World) {
    let user = world.add_user("Ann").await;
    let role = world.add_role("reader").await;
    let machine = application("Robot");
    let secret = credential(machine.id);
    let mut through = session(user.id);
    through.application = Some(machine.id);
    let tx = world.store.write(world.acme).await.unwrap();
    let who = GrantSubject::Application(machine.id);
    tx.applications().insert(&machine).await.unwrap();
    tx.applications().add_credential(&secret).await.unwrap();
    tx.grants().give(&Grant::plain(who, role)).await.unwrap();
    tx.sessions().insert(&through).await.unwrap();
    tx.commit(draft("application.create")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    let applications = tx.applications();
    let until = now() + Duration::HOUR;
    let ended = applications.delete(machine.id, now(), until).await.unwrap();
    assert_eq!(ended, [through.id]);
    let changes = tx.changes();
    assert_eq!(changes.len(), 4, "session, credential, grant, application");
    let fact = Fact::EndedSession {
        id: through.id,
        until: until.unix_timestamp(),
    };
    assert_eq!(changes[0].after, Some(fact));
    assert_eq!(applications.get(machine.id).await.unwrap(), None);
    assert_eq!(applications.credentials(machine.id).await.unwrap(), []);
    let refused = applications.remove_credential(machine.id, secret.id).await;
    let missing = refused.unwrap_err();
    assert!(matches!(
        missing,
        StoreError::NotFound { noun: "credential" }
    ));
    tx.commit(draft("application.delete")).await.unwrap();
}

pub async fn client_ids_are_unique_everywhere(world: World) {
    let machine = application("Robot");
    let tx = world.store.write(world.acme).await.unwrap();
    tx.applications().insert(&machine).await.unwrap();
    tx.commit(draft("application.create")).await.unwrap();
    let tx = world.store.write(world.globex).await.unwrap();
    let twin = Application {
        id: id(),
        ..machine.clone()
    };
    let refused = tx.applications().insert(&twin).await.unwrap_err();
    let expected = StoreError::Conflict {
        noun: "application",
        field: "client_id",
    };
    assert_eq!(refused.to_string(), expected.to_string());
    tx.rollback().await.unwrap();
    let tx = world.store.write(world.acme).await.unwrap();
    let refused = tx
        .applications()
        .insert(&application("robot"))
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Conflict {
            noun: "application",
            field: "name"
        }
    ));
    tx.rollback().await.unwrap();
    let tx = world.store.write(world.acme).await.unwrap();
    let refused = tx
        .applications()
        .add_credential(&credential(id()))
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        StoreError::NotFound {
            noun: "application"
        }
    ));
}
