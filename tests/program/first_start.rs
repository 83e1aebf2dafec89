//! The first start and the next one.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::process::{Ended, Home, Running, program, run, until};
use crate::rest::{PASSWORD, Rest};

/// Not given: the program makes one up.
const NO_PASSWORD: (&str, &str) = ("GATEPOST_BOOTSTRAP_ADMIN_PASSWORD", "");

#[tokio::test]
async fn without_a_terminal_the_password_is_in_a_file_and_the_commands_read_it() {
    let home = Home::empty();
    // A folder with a blank in its name, in which another installation was before.
    let data = home.path().join("data of ours");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("initial-password");
    std::fs::write(&file, "of another installation").unwrap();
    let folder = ("GATEPOST_DATA_DIR", data.to_str().unwrap());
    let server = home.serve(&[NO_PASSWORD, folder]);
    let welcome = welcome(&server);
    let password = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    assert!(password.len() >= 20, "{password}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(server.stderr().contains(&file.display().to_string()));

    let ended = paste(&home, &welcome, &[]);
    works(&ended, &password);
    assert!(!welcome.contains(&password), "{welcome}");
    assert!(!server.stderr().contains(&password));
}

#[tokio::test]
async fn at_a_terminal_the_password_is_shown_and_kept_nowhere() {
    let home = Home::empty();
    // `script` gives the program a terminal, and copies what it says.
    let binary = program();
    let serve = format!(
        "exec {} serve 2>{}/log",
        binary.display(),
        home.path().display()
    );
    let mut command = home.command("script".as_ref(), &[NO_PASSWORD]);
    let copy = home.path().join("terminal");
    command.args(["-qefc", &serve]).arg(&copy);
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null());
    let mut terminal = Kill(command.spawn().unwrap());
    let text = until("the commands at the terminal", || {
        let text = std::fs::read_to_string(&copy).unwrap_or_default();
        let text = text.replace('\r', "");
        whole(&text).then_some(text)
    });
    let (_, after) = text.split_once("Password: ").unwrap();
    let password = after.lines().next().unwrap().trim().to_owned();
    assert!(password.len() >= 20, "{text}");
    assert!(!home.data().join("initial-password").exists());
    let log = std::fs::read_to_string(home.path().join("log")).unwrap();
    assert!(!log.contains(&password), "{log}");

    let ended = paste(&home, &text, &[]);
    assert!(ended.stdout.contains(r#""authorized":true"#), "{ended:?}");
    assert!(ended.stdout.contains(r#""authorized":false"#), "{ended:?}");
    let _ = terminal.0.kill();
}

#[tokio::test]
async fn a_given_password_is_shown_nowhere_and_the_next_start_changes_nothing() {
    let home = Home::empty();
    let mut server = home.serve(&[]);
    let first = welcome(&server);
    let ended = paste(&home, &first, &[("PASSWORD", PASSWORD)]);
    works(&ended, PASSWORD);
    let admin = server.rest.token("admin").await;
    let before = state(&server.rest, &admin).await;
    let files = files(&home);
    assert!(!files.contains_key("initial-password"), "{files:?}");
    for said in [&first, &server.stderr()] {
        assert!(!said.contains(PASSWORD), "{said}");
    }
    server.signal(rustix::process::Signal::TERM);
    server.wait(std::time::Duration::from_secs(15));

    let server = home.serve(&[NO_PASSWORD]);
    assert_eq!(state(&server.rest, &admin).await, before);
    assert_eq!(server.stdout(), "");
    assert!(!server.stderr().to_lowercase().contains("password"));
    let now = self::files(&home);
    let names = |files: &BTreeMap<String, u32>| files.keys().cloned().collect::<Vec<_>>();
    let lasting = |name: &String| !name.ends_with("-wal") && !name.ends_with("-shm");
    let only = |names: Vec<String>| names.into_iter().filter(lasting).collect::<Vec<_>>();
    assert_eq!(only(names(&now)), only(names(&files)));
    for (name, mode) in now {
        assert_eq!(mode & 0o077, 0, "others may read {name}");
    }
}

/// Ends a child however the test ends.
struct Kill(std::process::Child);

impl Drop for Kill {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn whole(text: &str) -> bool {
    text.split_once("refused:")
        .is_some_and(|(_, end)| end.contains("}'\n"))
}

/// What the first start prints.
fn welcome(server: &Running) -> String {
    until("the commands", || {
        Some(server.stdout()).filter(|text| whole(text))
    })
}

/// Runs the commands as they are printed, one after the other, in one shell.
fn paste(home: &Home, welcome: &str, settings: &[(&str, &str)]) -> Ended {
    let (_, rest) = welcome.split_once("Get a token:\n").unwrap();
    let (get, rest) = rest
        .split_once("Ask for something that is allowed:\n")
        .unwrap();
    let (allowed, refused) = rest
        .split_once("Ask for something that is refused:\n")
        .unwrap();
    let script = format!("{get}\n{allowed}\necho\n{refused}\necho \"token=$TOKEN\"\n");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(home.path());
    command.envs(settings.iter().copied());
    run(command, "")
}

fn works(ended: &Ended, password: &str) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout.matches(r#""authorized":true"#).count(),
        1,
        "{ended:?}"
    );
    assert_eq!(
        ended.stdout.matches(r#""authorized":false"#).count(),
        1,
        "{ended:?}"
    );
    let (_, token) = ended.stdout.split_once("token=").unwrap();
    assert_eq!(token.trim().split('.').count(), 3, "{ended:?}");
    assert!(!ended.stdout.contains(password));
}

/// Whatever a start might change: the head's revision and the audit log.
async fn state(rest: &Rest, admin: &str) -> (u64, Value) {
    let path = "/v1/audit-events?limit=100";
    let events = rest.must(admin, "GET", path, Value::Null).await;
    (events.revision(), events.body)
}

/// Names and modes of the files in the data folder.
fn files(home: &Home) -> BTreeMap<String, u32> {
    let entries = std::fs::read_dir(home.data()).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            (entry.file_name().into_string().unwrap(), mode)
        })
        .collect()
}
