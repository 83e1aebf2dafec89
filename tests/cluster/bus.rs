//! A bus on which anybody says anything.

use std::io::{Read, Write};
use std::net::TcpStream;
use tokio::time::Instant;

use serde_json::Value;

use crate::replicas::{Cluster, refused, settled};

/// Messages of each kind.
const MESSAGES: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_the_bus_changes_no_answer() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    let admin = a.token("admin").await;
    let alice = a.person(&admin, "alice", &["midaz-viewer-group"]).await;
    let bob = a.person(&admin, "bob", &["midaz-viewer-group"]).await;
    assert!(settled(&b, &alice.token).await.is_yes());

    let address = cluster.valkey.url().replace("valkey://", "");
    let heard = tokio::task::spawn_blocking(move || publish(&address)).await;
    assert!(heard.unwrap() >= 2, "nobody heard: is it another channel?");

    assert!(settled(&b, &bob.token).await.is_yes());
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    a.must(&admin, "DELETE", &path, Value::Null).await;
    let (answer, _) = refused(&b, &alice.token, Instant::now()).await;
    assert_eq!((answer.status, answer.reason()), (200, "permission"));
    assert!(settled(&b, &bob.token).await.is_yes());
    let ready = b.call("", "GET", "/readyz", Value::Null).await;
    assert_eq!(ready.status, 200);
}

/// Publishes junk; answers how many replicas heard the first message.
fn publish(address: &str) -> u64 {
    let long = vec![b'9'; 100_000];
    let junk: [&[u8]; 7] = [
        b"",
        b"hello",
        b"\x00\xff\xfe\r\n$-1\r\n",
        b"00000000-0000-0000-0000-000000000000",
        b"0190d1a0-0000-7000-8000-000000000001",
        b"{\"organization\":null}",
        &long,
    ];
    let mut stream = TcpStream::connect(address).unwrap();
    let mut first = String::new();
    for number in 0..MESSAGES {
        for message in junk {
            let mut command = b"*3\r\n$7\r\nPUBLISH\r\n$13\r\ngatepost:hint\r\n".to_vec();
            command.extend(format!("${}\r\n", message.len()).bytes());
            command.extend(message);
            command.extend(b"\r\n");
            stream.write_all(&command).unwrap();
            let mut answer = [0; 64];
            let length = stream.read(&mut answer).unwrap();
            if number == 0 && first.is_empty() {
                first = String::from_utf8_lossy(&answer[..length]).into_owned();
            }
        }
    }
    first.trim().trim_start_matches(':').parse().unwrap()
}
