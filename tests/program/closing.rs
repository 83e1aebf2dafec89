//! How the program ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::time::Instant;

use crate::process::{Home, Running, until};

/// The longest that a close may take.
const CLOSE_MAX: Duration = Duration::from_secs(10);
const GOAWAY: u8 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_drains_and_ends_well() {
    let home = Home::empty();
    let mut server = home.serve(&[]);
    let mut two = http2(home.port);
    let mut call = slow_call(home.port);
    assert_eq!(ready(&server).await, Some(200));

    server.signal(Signal::TERM);
    let begun = Instant::now();
    let told = loop {
        match ready(&server).await {
            Some(200) => assert!(begun.elapsed() < CLOSE_MAX),
            other => break other,
        }
    };
    assert_eq!(told, Some(503), "balancers are told before the port closes");

    // The connection that stays is told to go away; only then does the call send its end.
    assert!(frames(&mut two).contains(&GOAWAY));
    drop(two);
    assert!(server.is_alive(), "a call is still under way");
    call.write_all(b"}").unwrap();
    let mut answer = String::new();
    let _ = call.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("TOKEN_MISSING"), "{answer}");

    let status = server.wait(CLOSE_MAX);
    assert!(begun.elapsed() < CLOSE_MAX, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(0), "{}", server.stderr());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, home.port)).is_err());
}

#[test]
fn a_call_that_never_ends_does_not_hold_the_close_up() {
    let home = Home::empty();
    let mut server = home.serve(&[]);
    let _call = slow_call(home.port);
    server.signal(Signal::TERM);
    let begun = Instant::now();
    let status = server.wait(CLOSE_MAX * 2);
    let took = begun.elapsed();
    assert_eq!(status.code(), Some(0), "{}", server.stderr());
    assert!(took < CLOSE_MAX, "{took:?}");
}

async fn ready(server: &Running) -> Option<u16> {
    let request = server.rest.request("", "GET", "/readyz");
    let answer = server.rest.send(request).await.ok()?;
    assert_eq!(answer.body, Value::Null);
    Some(answer.status)
}

/// A call whose body lacks its last byte.
fn slow_call(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(CLOSE_MAX)).unwrap();
    let head = "POST /v1/authorize HTTP/1.1\r\nhost: gatepost\r\ncontent-type: application/json\r\n\
                content-length: 2\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    // The server must have begun to read it.
    std::thread::sleep(Duration::from_millis(200));
    stream
}

/// An open HTTP/2 connection on which nothing happens.
fn http2(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(CLOSE_MAX)).unwrap();
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    hello.extend(empty_settings);
    stream.write_all(&hello).unwrap();
    stream
}

/// The types of all frames up to the first that says goodbye, or the end.
fn frames(stream: &mut TcpStream) -> Vec<u8> {
    let mut types = Vec::new();
    let mut head = [0; 9];
    loop {
        match stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return types,
            Err(error) => panic!("{error}, after {types:?}"),
        }
        types.push(head[3]);
        if head[3] == GOAWAY {
            return types;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut body = vec![0; length as usize];
        stream.read_exact(&mut body).unwrap();
    }
}

#[test]
fn ctrl_c_ends_it_well_too() {
    let home = Home::empty();
    let mut server = home.serve(&[]);
    server.signal(Signal::INT);
    assert_eq!(server.wait(CLOSE_MAX).code(), Some(0));
    until("the last word", || {
        server.stderr().contains("closed").then_some(())
    });
}
