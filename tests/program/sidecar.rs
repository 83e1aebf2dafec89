//! A sidecar: the program beside a product, without a database, fed by another one.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::process::{Home, Running};
use crate::rest::{Answer, Rest, Subject};
use crate::servers::free_port;

/// How long something may take that has no bound, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The bound of these sidecars.
const BOUND: Duration = Duration::from_secs(2);
const BOUND_MS: &str = "2000";
const ROLE: &str = "gatepost-sidecar-role";

/// A centre, and an application of its first organization that may be fed.
struct Centre {
    home: Home,
    server: Running,
    admin: String,
    application: Subject,
}

impl Centre {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let home = Home::empty();
        let server = home.serve(settings);
        let admin = server.rest.token("admin").await;
        let application = server.rest.machine(&admin, "sidecar", &[ROLE]).await;
        Self {
            home,
            server,
            admin,
            application,
        }
    }

    /// The settings of a sidecar that is fed by this one, as an application.
    fn settings<'a>(&self, application: &'a Subject, more: &[(&'a str, &'a str)]) -> Settings<'a> {
        let mut settings = Settings {
            url: format!("http://127.0.0.1:{}", self.home.port),
            pairs: vec![
                ("GATEPOST_ONLY", "authorize"),
                ("GATEPOST_UPSTREAM_CLIENT_ID", &application.client_id),
                (
                    "GATEPOST_UPSTREAM_CLIENT_SECRET",
                    &application.client_secret,
                ),
                ("GATEPOST_UPSTREAM_PRODUCTS", "midaz"),
                ("GATEPOST_STALENESS_BOUND_MS", BOUND_MS),
            ],
        };
        settings.pairs.extend(more);
        settings
    }
}

struct Settings<'a> {
    url: String,
    pairs: Vec<(&'a str, &'a str)>,
}

impl Settings<'_> {
    fn all(&self) -> Vec<(&str, &str)> {
        let mut all = vec![("GATEPOST_UPSTREAM", self.url.as_str())];
        all.extend(&self.pairs);
        all
    }
}

/// Asks until there is a decision, and no more `UNAVAILABLE`.
async fn settled(rest: &Rest, token: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = rest.may_get(token).await;
        if answer.status != 503 {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Asks until it is no yes any more, and proves that no question that was sent later than the
/// bound was answered with one.
async fn refused(rest: &Rest, token: &str, since: Instant) -> Answer {
    loop {
        let answer = rest.may_get(token).await;
        if !answer.is_yes() && answer.status != 503 {
            return answer;
        }
        let after = answer.sent.saturating_duration_since(since);
        assert!(
            !answer.is_yes() || after <= BOUND,
            "allowed {after:?} later"
        );
        assert!(after < PATIENCE, "{answer:?}");
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_decides_as_its_centre_does_and_hears_of_revocations() {
    let centre = Centre::start(&[]).await;
    let (rest, admin) = (&centre.server.rest, &centre.admin);
    let alice = rest.person(admin, "alice", &["midaz-viewer-group"]).await;
    let bob = rest.person(admin, "bob", &["midaz-viewer-group"]).await;
    let home = Home::empty();
    let settings = centre.settings(&centre.application, &[]);
    let sidecar = home.serve(&settings.all());
    assert!(!home.data().exists(), "a sidecar keeps nothing");

    for token in [&alice.token, &bob.token] {
        assert!(settled(&sidecar.rest, token).await.is_yes());
    }
    let answer = sidecar.rest.may_get(&alice.token).await;
    assert_eq!(
        answer.body["freshness"]["boundMs"],
        json!(2000),
        "{answer:?}"
    );
    assert!(answer.body["freshness"]["ageMs"].as_u64().unwrap_or(0) <= 2000);
    assert_eq!(
        answer.revision(),
        rest.may_get(&alice.token).await.revision()
    );

    let path = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    rest.must(admin, "DELETE", &path, Value::Null).await;
    let answer = refused(&sidecar.rest, &alice.token, Instant::now()).await;
    assert_eq!((answer.status, answer.reason()), (200, "permission"));
    rest.must(&bob.token, "POST", "/v1/logout", json!({})).await;
    let answer = refused(&sidecar.rest, &bob.token, Instant::now()).await;
    assert_eq!((answer.status, answer.reason()), (401, "SESSION_ENDED"));

    // It decides, and does nothing else.
    let users = sidecar
        .rest
        .call(admin, "GET", "/v1/users", Value::Null)
        .await;
    assert_eq!((users.status, users.reason()), (404, "ROUTE_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_goes_on_without_its_centre_until_the_bound_and_then_refuses() {
    let centre = Centre::start(&[]).await;
    let (rest, admin) = (&centre.server.rest, &centre.admin);
    let alice = rest.person(admin, "alice", &["midaz-viewer-group"]).await;
    let port = free_port();
    let metrics = format!("127.0.0.1:{port}");
    let more = [("GATEPOST_METRICS_LISTEN", metrics.as_str())];
    let settings = centre.settings(&centre.application, &more);
    let home = Home::empty();
    let sidecar = home.serve(&settings.all());
    assert!(settled(&sidecar.rest, &alice.token).await.is_yes());

    centre.server.signal(Signal::STOP);
    let stopped = Instant::now();
    let mut answered = 0;
    loop {
        let answer = sidecar.rest.may_get(&alice.token).await;
        if !answer.is_yes() {
            assert_eq!(
                (answer.status, answer.reason()),
                (503, "STALE"),
                "{answer:?}"
            );
            break;
        }
        answered += 1;
        let after = answer.sent.saturating_duration_since(stopped);
        assert!(after <= BOUND, "allowed {after:?} after the last it heard");
        sleep(Duration::from_millis(10)).await;
    }
    assert!(answered > 10, "it did not ride out anything: {answered}");
    for _ in 0..50 {
        let answer = sidecar.rest.may_get(&alice.token).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (503, "STALE"),
            "{answer:?}"
        );
    }
    let ready = sidecar.rest.call("", "GET", "/readyz", Value::Null).await;
    assert_eq!(ready.status, 503);
    let url = format!("http://{metrics}/metrics");
    let text = sidecar
        .rest
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let stale = text
        .lines()
        .find_map(|line| line.strip_prefix("gatepost_stale_refusals_total "));
    assert!(stale.unwrap().parse::<u64>().unwrap() >= 51, "{text}");

    centre.server.signal(Signal::CONT);
    assert!(settled(&sidecar.rest, &alice.token).await.is_yes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_organization_and_a_foreign_product_are_refused() {
    let centre = Centre::start(&[("GATEPOST_MULTI_TENANT", "true")]).await;
    let (rest, system) = (&centre.server.rest, &centre.admin);
    let mut people = Vec::new();
    for slug in ["acme", "globex"] {
        let (_, admin) = rest.organization(system, slug).await;
        let person = format!("viewer-of-{slug}");
        let viewer = rest.person(&admin, &person, &["midaz-viewer-group"]).await;
        people.push((admin, viewer));
    }
    let (acme, globex) = (&people[0], &people[1]);
    let application = rest.machine(&acme.0, "sidecar", &[ROLE]).await;
    let home = Home::empty();
    let settings = centre.settings(&application, &[]);
    let sidecar = home.serve(&settings.all());

    assert!(settled(&sidecar.rest, &acme.1.token).await.is_yes());
    let foreign = settled(&sidecar.rest, &globex.1.token).await;
    assert_eq!((foreign.status, foreign.reason()), (421, "NOT_SERVED"));
    for product in ["reporter", ""] {
        let token = &acme.1.token;
        let answer = sidecar
            .rest
            .authorize(token, product, "accounts", "get")
            .await;
        assert_eq!(
            (answer.status, answer.reason()),
            (421, "NOT_SERVED"),
            "{product}"
        );
    }

    // An application of the system organization may feed a sidecar of all.
    let roles = ["gatepost-system-sidecar-role"];
    let everywhere = rest.machine(system, "everywhere", &roles).await;
    let home = Home::empty();
    let settings = centre.settings(&everywhere, &[]);
    let sidecar = home.serve(&settings.all());
    for (_, viewer) in &people {
        assert!(settled(&sidecar.rest, &viewer.token).await.is_yes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_that_may_not_be_fed_does_not_start() {
    let centre = Centre::start(&[]).await;
    let (rest, admin) = (&centre.server.rest, &centre.admin);
    let plain = rest.machine(admin, "plain", &["midaz-editor-role"]).await;
    let home = Home::empty();
    let line = home.refusal(&centre.settings(&plain, &[]).all());
    assert!(
        line.contains("GATEPOST_UPSTREAM") && line.contains("NOT_SERVED"),
        "{line}"
    );

    let wrong = Subject {
        client_secret: "gps_wrong".to_owned(),
        ..plain
    };
    let line = home.refusal(&centre.settings(&wrong, &[]).all());
    assert!(line.contains("GATEPOST_UPSTREAM"), "{line}");
    assert!(!line.contains("gps_wrong"), "{line}");

    let flags = ["serve", "--only", "authorize"];
    let ended = home.run(&flags, &[], "");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("GATEPOST_UPSTREAM"), "{ended:?}");
    let flags = [&flags[..], &["--upstream", "http://127.0.0.1:9"]].concat();
    let ended = home.run(&flags, &[], "");
    assert!(
        ended.stderr.contains("GATEPOST_UPSTREAM_CLIENT_SECRET")
            || ended.stderr.contains("GATEPOST_UPSTREAM_PRODUCTS"),
        "{ended:?}"
    );
}
