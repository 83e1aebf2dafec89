//! Connections that take a place and ask for nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use crate::process::Home;

/// As many as there may be.
const PLACES: u16 = 10_000;
/// What this process and the server need beside them.
const OTHER_FILES: u64 = 500;
/// How long one may say nothing, and how late the server may be on a busy machine.
const SILENCE_MAX: Duration = Duration::from_secs(10);
const LATE_MAX: Duration = Duration::from_secs(50);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_silent_connections_keep_nobody_out_for_long() {
    raise_the_limit_of_files();
    let home = Home::empty();
    let server = home.serve(&[]);
    let silent: Vec<TcpStream> = (0..PLACES)
        .map(|number| silent(home.port, number))
        .collect();
    let begun = Instant::now();
    let alone = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .timeout(SILENCE_MAX + LATE_MAX)
        .build()
        .unwrap();
    let health = format!("http://127.0.0.1:{}/health", home.port);
    let answer = alone.get(health).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "healthy");
    let took = begun.elapsed();
    assert!(took < SILENCE_MAX + LATE_MAX, "{took:?}");
    for mut stream in silent {
        let left = (SILENCE_MAX + LATE_MAX).saturating_sub(begun.elapsed());
        let patience = left.max(Duration::from_millis(1));
        stream.set_read_timeout(Some(patience)).unwrap();
        assert!(has_ended(&mut stream), "a silent connection is still open");
    }
    drop(server);
}

#[test]
fn who_speaks_http_2_may_wait_with_the_first_call() {
    let home = Home::empty();
    let server = home.serve(&[]);
    let mut stream = silent(home.port, 0);
    stream.write_all(PREFACE).unwrap();
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&empty_settings).unwrap();
    let wait = SILENCE_MAX + Duration::from_secs(2);
    let begun = Instant::now();
    while begun.elapsed() < wait {
        let left = wait.saturating_sub(begun.elapsed());
        stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .unwrap();
        match stream.read(&mut [0; 1024]) {
            Ok(0) => panic!("closed after {:?}", begun.elapsed()),
            Ok(_) => {}
            Err(error) => assert!(is_timeout(&error), "{error}"),
        }
    }
    drop(server);
}

/// Half of them say what may still become a preface.
fn silent(port: u16, number: u16) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    if number % 2 == 1 {
        stream.write_all(&PREFACE[..10]).unwrap();
    }
    stream
}

fn has_ended(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(read) => read == 0,
        Err(error) => !is_timeout(&error),
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Of this process, and of the server that it starts.
fn raise_the_limit_of_files() {
    let needed = u64::from(PLACES) + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < needed) {
        let current = Some(needed);
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    }
}
