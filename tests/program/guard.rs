//! The examples of a protected product, as their first lines say that they are run.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::process::{Home, Running, program, run, until};
use crate::servers::{free_port, repository_root};

/// What the examples sign in with.
const PASSWORD: (&str, &str) = ("GATEPOST_BOOTSTRAP_ADMIN_PASSWORD", "correct horse battery");

/// A running example. Dropping it kills it.
pub struct Product {
    name: &'static str,
    /// Where it listens.
    pub url: String,
    child: Child,
    log: PathBuf,
}

impl Product {
    /// Starts the example with these settings and waits until it is up.
    pub fn start(home: &Home, name: &'static str, settings: &[(&str, &str)]) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let log = home.path().join(name);
        let child = home
            .command(&example(name), settings)
            .env("PRODUCT_LISTEN", &listen)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let product = Self {
            name,
            url: format!("http://{listen}"),
            child,
            log,
        };
        until("the product", || {
            product.log().contains("the product is up").then_some(())
        });
        product
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Runs the commands that the example shows.
    fn paste(&self, home: &Home, gatepost: &str) -> String {
        let mut command = Command::new("sh");
        command.arg("-c").arg(shown(self.name));
        command.env("GATEPOST", gatepost).env("PRODUCT", &self.url);
        command.current_dir(home.path());
        run(command, "").stdout
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // It may be gone already, and nobody is left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example's program, which cargo builds if it has not yet: beside the server, as part of the
/// same workspace, so that nothing else is built again.
fn example(name: &str) -> PathBuf {
    let folder = program().parent().unwrap().to_path_buf();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--offline", "--workspace"]);
    cargo.args(["--example", name, "--target-dir"]);
    cargo.arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(repository_root()).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    folder.join("examples").join(name)
}

/// The `sh` block in the first comment of an example.
fn shown(name: &str) -> String {
    let path = repository_root().join(format!("client/examples/{name}.rs"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches("//!").trim());
    let block = lines.skip_while(|line| *line != "```sh").skip(1);
    let block: Vec<&str> = block.take_while(|line| *line != "```").collect();
    assert!(block.len() > 5, "{name} shows no commands");
    block.join("\n")
}

/// What stands behind this header, in the order of the answers.
fn every<'a>(said: &'a str, header: &str) -> Vec<&'a str> {
    let lines = said.lines().filter_map(|line| line.strip_prefix(header));
    lines.map(str::trim).collect()
}

/// Where Gatepost is, and more time than a release build on a quiet machine needs.
fn here(server: &Running) -> [(&'static str, &str); 2] {
    [
        ("PLUGIN_AUTH_ADDRESS", &server.rest.base),
        ("AUTH_DEADLINE_MS", "20000"),
    ]
}

#[tokio::test]
async fn the_http_example_does_what_it_says() {
    let home = Home::empty();
    let server = home.serve(&[PASSWORD]);
    let url = server.rest.base.clone();
    let product = Product::start(&home, "protected_http", &here(&server));
    let said = product.paste(&home, &url);
    let answers = every(&said, "HTTP/1.1 ");
    assert_eq!(
        answers,
        ["401 Unauthorized", "200 OK", "403 Forbidden"],
        "{said}"
    );
    assert_eq!(every(&said, "www-authenticate:"), ["Bearer"], "{said}");
    assert!(said.contains("the accounts of organization 0"), "{said}");
    assert!(!product.log().contains("OFF"), "{}", product.log());
}

#[tokio::test]
async fn the_grpc_example_does_what_it_says() {
    let home = Home::empty();
    let server = home.serve(&[PASSWORD]);
    let url = server.rest.base.clone();
    let product = Product::start(&home, "protected_grpc", &here(&server));
    let said = product.paste(&home, &url);
    assert_eq!(every(&said, "grpc-status:"), ["16", "0", "7"], "{said}");
}

#[tokio::test]
async fn a_product_without_its_guard_says_so_or_does_not_start() {
    let home = Home::empty();
    let off = ("PLUGIN_AUTH_ENABLED", "false");
    let product = Product::start(&home, "protected_http", &[off]);
    let answer = reqwest::get(format!("{}/v1/accounts", product.url)).await;
    assert_eq!(answer.unwrap().status(), 200);
    let log = product.log();
    assert!(log.contains("THE GUARD IS OFF: everybody"), "{log}");
    assert!(
        log.contains("THE GUARD IS OFF: calls pass unchecked"),
        "{log}"
    );
    for (settings, expected) in [
        (&[off, ("AUTH_REQUIRED", "true")][..], "Off"),
        (&[], "AddressMissing"),
    ] {
        let ended = run(home.command(&example("protected_http"), settings), "");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
}
