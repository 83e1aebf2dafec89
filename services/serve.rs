//! Where the program comes together: settings in, a running server out.

mod answer;
mod conversation;
mod cors;
mod deadline;
mod listener;
mod methods;
mod probes;
mod short;
mod threads;
mod turns;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum::Router;
use gatepost_proto::DESCRIPTORS;
use gatepost_replica::{Gatekeeper, Remote, SnapshotConfig, Snapshots, Verifier};
use gatepost_store::{Bus, Cache, Installation, ServingLock, Store, StoreConfig};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tonic::service::RoutesBuilder;
use tonic_health::server::HealthReporter;
use tonic_web::GrpcWebLayer;

use crate::app::App;
use crate::auth::{BackChannel, Clients};
use crate::bootstrap::{self, First, Started};
use crate::clock::Clock;
use crate::config::{Config, StorageConfig};
use crate::delivery::Delivery;
use crate::door::{self, Door};
use crate::gateway;
use crate::housekeeping::keep_house;
use crate::outbound::Outbound;
use crate::passkey::RelyingParty;
use crate::password::Passwords;
use crate::seal::{Sealer, new_master_key};
use crate::source::Database;
use crate::token::{Rotation, Signer};
use crate::{auth, authorize, edge, identity};
use conversation::Faces;
use listener::Listener;
#[doc(hidden)]
pub use short::{Call, ShortWay};

/// How long a balancer has to see that this server is closing, before it closes.
const NOTICE: Duration = Duration::from_secs(2);
/// How long calls in flight have to end after that.
const DRAIN_MAX: Duration = Duration::from_secs(7);
/// How long messages that wait have to be sent before the program ends.
const MESSAGES_MAX: Duration = Duration::from_secs(2);
const MASTER_KEY_FILE: &str = "master.key";

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What to tell the operator, when this was the first start.
    pub first: Option<First>,
    /// The address clients know.
    pub public_url: String,
    gatekeeper: Arc<Gatekeeper>,
    ground: Ground,
    draining: probes::Draining,
    health: HealthReporter,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<()>>,
}

/// What a server stands on.
enum Ground {
    /// A database of its own.
    Database {
        app: Arc<App>,
        background: [JoinHandle<()>; 2],
        _lock: ServingLock,
    },
    /// Another server: this one is a sidecar.
    Upstream(Remote),
}

/// Starts a server.
///
/// # Errors
/// One line that says what is wrong: a setting, the database, the upstream server, the port.
pub async fn start(config: &Config, clock: Clock) -> Result<Server> {
    if let Some(sidecar) = &config.upstream {
        let listening = Listener::bind(config.listen, config.tls.as_ref()).await?;
        let remote = Remote::open(sidecar.clone(), clock).await.context(
            match sidecar.upstream.authorities {
                Some(_) => "cannot be fed (GATEPOST_UPSTREAM, GATEPOST_UPSTREAM_CA_FILE)",
                None => "cannot be fed (GATEPOST_UPSTREAM)",
            },
        )?;
        return serve(config, listening, Ground::Upstream(remote), None).await;
    }
    let store = open_store(&config.storage).await?;
    let lock = store.lock_for_serving()?;
    store.migrate(clock.now()).await?;
    let sealer = Sealer::new(master_key(&store, &config.storage)?.expose_secret())?;
    if config.passwords.is_weak() {
        tracing::warn!(
            "passwords are hashed with less work than OWASP recommends \
             (GATEPOST_PASSWORD_MEMORY_KIB, GATEPOST_PASSWORD_ITERATIONS)"
        );
    }
    let passwords = Passwords::new(&config.passwords)?;
    // Whatever else can be wrong is found out before anything is made: what a first start makes,
    // its password too, is told once, and only by a server that is up.
    let (cache, bus) = shared(&config.storage)?;
    let listening = Listener::bind(config.listen, config.tls.as_ref()).await?;
    let started = bootstrap::start(&store, &sealer, &passwords, config, clock.now()).await?;
    check_installation(&started, &sealer, config)?;
    let Started {
        installation,
        first,
    } = started;
    let bus = Arc::new(bus);
    let gatekeeper = gatekeeper(config, &store, &bus, &installation, &clock).await?;
    let following = tokio::spawn(Arc::clone(&gatekeeper.snapshots).follow());
    let sealer = Arc::new(sealer);
    let outbound = Outbound::new(&config.outbound)
        .map_err(|why| anyhow!("setting `GATEPOST_OUTBOUND_CA_FILE`: {why}"))?;
    let outbound = Arc::new(outbound);
    let delivery = Delivery::new(&config.delivery, &outbound, &store, &sealer, &clock);
    let app = Arc::new(App {
        gatekeeper,
        delivery,
        back_channel: BackChannel::new(outbound),
        store,
        cache,
        bus,
        clock,
        sealer,
        signer: Signer::default(),
        rotation: Rotation::new(config),
        passwords,
        clients: Clients::default(),
        passkeys: RelyingParty::of(&installation.public_url, config.mfa.passkey),
        public_url: installation.public_url,
        default_organization: installation.default_organization,
        multi_tenant: config.multi_tenant,
        sign_in: config.sign_in.clone(),
        mfa: config.mfa,
    });
    let ground = Ground::Database {
        background: [following, tokio::spawn(keep_house(Arc::clone(&app)))],
        app,
        _lock: lock,
    };
    serve(config, listening, ground, first).await
}

/// The gate over the database.
async fn gatekeeper(
    config: &Config,
    store: &Store,
    bus: &Arc<Bus>,
    installation: &Installation,
    clock: &Clock,
) -> Result<Arc<Gatekeeper>> {
    let source = Database::new(store.clone(), Arc::clone(bus));
    let snapshots = SnapshotConfig {
        system: installation.system_organization,
        bound: config.staleness_bound,
        single_tenant: !config.multi_tenant,
        budget_bytes: config.snapshot_budget_bytes,
        products: None,
        serves_system: true,
    };
    let snapshots = Snapshots::open(Arc::new(source), clock.clone(), snapshots).await?;
    let verifier = Verifier::new(
        installation.public_url.clone(),
        config.sign_in.access_token,
        clock.clone(),
        Arc::clone(&snapshots),
    );
    Ok(Arc::new(Gatekeeper {
        snapshots,
        verifier,
        clock: clock.clone(),
    }))
}

/// Serves on a ground that is laid.
async fn serve(
    config: &Config,
    listener: Listener,
    ground: Ground,
    first: Option<First>,
) -> Result<Server> {
    let (gatekeeper, app, public_url) = match &ground {
        Ground::Database { app, .. } => (&app.gatekeeper, Some(app), &app.public_url),
        Ground::Upstream(remote) => (&remote.gatekeeper, None, &remote.issuer),
    };
    let (gatekeeper, public_url) = (Arc::clone(gatekeeper), public_url.clone());
    let draining = probes::Draining::new(AtomicBool::new(false));
    let door = door(gatekeeper.clock.clone(), config);
    let (health, router) =
        router(&gatekeeper, app, config, &public_url, Arc::clone(&draining)).await?;
    let short = methods::short_way(Arc::clone(&door), &gatekeeper, &health);
    let faces = Faces {
        router: behind(&door, router, app.map(edge::for_browsers), config)?,
        short: match app {
            Some(app) => methods::of_auth(short, app),
            None => short,
        },
        runtime: Handle::current(),
    };
    let address = listener.address;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(threads::serve(listener, faces, stopped));
    Ok(Server {
        address,
        first,
        public_url,
        gatekeeper,
        ground,
        draining,
        health,
        stop,
        serving,
    })
}

impl Server {
    /// The rounds of hashing that were done for passwords so far, by what they are rounds of: what
    /// a test compares where the time would tell too little. No part of any interface.
    #[doc(hidden)]
    pub fn password_rounds(&self) -> BTreeMap<String, u64> {
        match &self.ground {
            Ground::Database { app, .. } => app.passwords.done(),
            Ground::Upstream(_) => BTreeMap::new(),
        }
    }

    /// Tells balancers, lets calls in flight end, and closes: ten seconds at the most.
    ///
    /// # Errors
    /// What went wrong while it served.
    pub async fn close(self) -> Result<()> {
        self.draining.store(true, Ordering::Relaxed);
        self.health
            .set_service_status("", tonic_health::ServingStatus::NotServing)
            .await;
        sleep(NOTICE).await;
        self.close_now().await
    }

    /// Closes without notice to balancers.
    ///
    /// # Errors
    /// What went wrong while it served.
    pub async fn close_now(mut self) -> Result<()> {
        self.stop.send_replace(true);
        // What would not end by itself.
        self.gatekeeper.snapshots.close_news();
        let ended = timeout(DRAIN_MAX, &mut self.serving).await;
        if let Ground::Database {
            app, background, ..
        } = &self.ground
        {
            let all = async { tokio::join!(app.delivery.idle(), app.back_channel.idle()) };
            if timeout(MESSAGES_MAX, all).await.is_err() {
                tracing::warn!("some messages were not sent");
            }
            background.iter().for_each(JoinHandle::abort);
            app.store.close().await;
        }
        if let Ok(served) = ended {
            return served?;
        }
        self.serving.abort();
        tracing::warn!("some calls did not end in time");
        Ok(())
    }

    /// Waits until the server ends by itself, which it does only when something is wrong.
    pub async fn ended(&mut self) -> Result<()> {
        (&mut self.serving).await?
    }
}

/// Opens the database of these settings.
///
/// # Errors
/// A setting that cannot be used, a database that does not answer.
pub async fn open_store(storage: &StorageConfig) -> Result<Store> {
    let text = |url: &Option<SecretString>| url.as_ref().map(|url| url.expose_secret().to_owned());
    make_data_dir(&storage.data_dir)?;
    let mut config = StoreConfig::new(&storage.data_dir);
    config.url = text(&storage.database_url);
    config.migration_url = text(&storage.migration_database_url);
    Store::open(config)
        .await
        .context("cannot open the database (GATEPOST_DATABASE_URL)")
}

/// The data folder is nobody else's business.
fn make_data_dir(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.with_context(|| format!("cannot make the data folder `{}`", path.display()))
}

/// The master key: given, or made once beside an embedded database.
///
/// # Errors
/// No key for a database of its own, a file that cannot be read or written.
pub fn master_key(store: &Store, storage: &StorageConfig) -> Result<SecretString> {
    if let Some(key) = &storage.master_key {
        return Ok(key.clone());
    }
    if !store.embedded() {
        bail!(
            "GATEPOST_MASTER_KEY or GATEPOST_MASTER_KEY_FILE is needed with PostgreSQL; \
             make one with `openssl rand -base64 32` and keep it safe"
        );
    }
    let path = storage.data_dir.join(MASTER_KEY_FILE);
    if !path.exists() {
        write_secret(&path, &new_master_key()?)?;
    }
    let key = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the master key `{}`", path.display()))?;
    Ok(SecretString::from(key.trim()))
}

/// Writes a file that only its owner may read, and that was not there before.
///
/// # Errors
/// What the file system answers.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    writeln!(file, "{text}")?;
    Ok(file.sync_all()?)
}

fn check_installation(started: &Started, sealer: &Sealer, config: &Config) -> Result<()> {
    let stored = &started.installation;
    if stored.master_key_check != sealer.check_value() {
        bail!(
            "this is not the master key that the installation was made with \
             (GATEPOST_MASTER_KEY, or `{MASTER_KEY_FILE}` in the data folder)"
        );
    }
    let given = config
        .public_url
        .as_ref()
        .map(|_| config.public_url_or_default());
    if let Some(given) = given.filter(|given| *given != stored.public_url) {
        bail!(
            "setting `GATEPOST_PUBLIC_URL`: `{given}` is not `{}`, with which this installation \
             was made and which its tokens carry",
            stored.public_url
        );
    }
    Ok(())
}

fn shared(storage: &StorageConfig) -> Result<(Cache, Bus)> {
    match &storage.cache_url {
        None => Ok((Cache::memory(), Bus::memory())),
        Some(url) => {
            let setting = "setting `GATEPOST_CACHE_URL`";
            let cache = Cache::connect(url.expose_secret()).context(setting)?;
            let bus = Bus::connect(url.expose_secret()).context(setting)?;
            Ok((cache, bus))
        }
    }
}

/// Everything on the one port: of a sidecar, the decision and nothing else.
async fn router(
    gatekeeper: &Arc<Gatekeeper>,
    app: Option<&Arc<App>>,
    config: &Config,
    public_url: &str,
    draining: probes::Draining,
) -> Result<(HealthReporter, Router)> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut services = RoutesBuilder::default();
    services
        .add_service(authorize::service(Arc::clone(gatekeeper)))
        .add_service(health_service);
    if let Some(app) = app {
        // For Simulate, which a sidecar does not answer.
        gatepost_replica::remember_questions();
        services
            .add_service(auth::service(Arc::clone(app)))
            .add_service(authorize::replica_service(authorize::Feeder::new(
                Arc::clone(gatekeeper),
                app.public_url.clone(),
                u32::try_from(app.sign_in.access_token.as_secs()).unwrap_or(u32::MAX),
            )));
        identity::add_services(&mut services, app);
    }
    edge::add_services(&mut services, gatekeeper);
    health
        .set_service_status(edge::envoy::SERVICE, tonic_health::ServingStatus::Serving)
        .await;
    for rpc in gatepost_proto::rules::RULES {
        if app.is_some() || rpc.service == authorize::SERVICE {
            health
                .set_service_status(rpc.service, tonic_health::ServingStatus::Serving)
                .await;
        }
    }
    if config.reflection {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        services.add_service(reflection);
    }
    let services = services.routes().prepare();
    let rest = gateway::router(services.clone(), gateway::Config::default())?;
    let router = services
        .into_axum_router()
        .reset_fallback()
        .layer(GrpcWebLayer::new())
        .merge(probes::router(Arc::clone(gatekeeper), draining))
        .merge(edge::router(gatekeeper, app, public_url))
        .fallback_service(rest);
    Ok((health, router))
}

fn door(clock: Clock, config: &Config) -> Arc<Door> {
    Arc::new(Door {
        clock,
        trusted_proxies: config.trusted_proxies.clone(),
    })
}

/// What every request passes that goes the long way, whatever its face. Pages of other sites may
/// call what programs call, where the settings say so, and never read what people look at.
fn behind(
    door: &Arc<Door>,
    router: Router,
    pages: Option<Router>,
    config: &Config,
) -> Result<Router> {
    let enter = axum::middleware::from_fn_with_state(Arc::clone(door), door::enter);
    let router = router
        .layer(enter.clone())
        .layer(cors::layer(&config.cors_origins)?);
    Ok(router.merge(pages.unwrap_or_default().layer(enter)))
}

/// Serves one method and nothing else, on the same transport and by the same short way as ours:
/// what a measurement compares one of our handlers with. No part of any interface.
///
/// # Errors
/// What went wrong while it served.
#[doc(hidden)]
pub async fn serve_bare(config: &Config, methods: impl FnOnce(ShortWay) -> ShortWay) -> Result<()> {
    let faces = Faces {
        router: Router::new(),
        short: methods(ShortWay::new(door(Clock::System, config))),
        runtime: Handle::current(),
    };
    // Nobody says stop: the process is ended.
    let (_stop, stopped) = watch::channel(false);
    threads::serve(Listener::bind(config.listen, None).await?, faces, stopped).await
}
