//! What may be called, and what may not.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn outbound(allowed: &[&str], answers: &[&[&str]]) -> Outbound {
    let config = OutboundConfig {
        allowed_origins: allowed.iter().map(|text| text.parse().unwrap()).collect(),
        authorities: None,
    };
    let answers = answers
        .iter()
        .map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
    let mut outbound = Outbound::new(&config).unwrap();
    outbound.resolver = Resolver::Scripted(Mutex::new(answers.collect()));
    outbound
}

async fn fate(outbound: &Outbound, url: &str, by: ChosenBy) -> Result<Vec<SocketAddr>, String> {
    let url: Url = url.parse().map_err(|error| format!("{error}"))?;
    let origin = Origin::of(&url).map_err(|error| error.to_string())?;
    let route = outbound.route(&origin, by).await;
    route.map_err(|error| error.to_string())
}

/// Spellings of hosts that lead inside. None of them resolves a name but the last ones.
const INSIDE: [&str; 40] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://%31%32%37.0.0.1/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://0xa.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://3232235777/",
    "https://169.254.169.254/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "smtps://127.0.0.1/",
    "smtp://2130706433/",
];

/// Addresses that are refused for what they are.
const MISSHAPEN: [&str; 16] = [
    "http://example.com/",
    "https://example.com:22/",
    "https://example.com:6379/",
    "smtp://example.com:80/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com/#part",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "https://metadata.google.internal/",
    "https://METADATA.google.internal./",
    "https://instance-data/",
    "https://[fe80::1%25eth0]/",
    "smtps://",
    "data:text/plain,x",
];

#[tokio::test]
async fn no_spelling_of_an_inside_host_gets_through() {
    let outbound = outbound(&[], &[]);
    for url in INSIDE.into_iter().chain(MISSHAPEN) {
        let refused = fate(&outbound, url, ChosenBy::Organization).await;
        assert!(refused.is_err(), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn every_answer_of_a_name_is_tested() {
    let inside: [&[&str]; 6] = [
        &["127.0.0.1"],
        &["8.8.8.8", "10.0.0.1"],
        &["2606:4700::1", "::1"],
        &["::ffff:192.168.0.1"],
        &["169.254.169.254"],
        &[],
    ];
    for answer in inside {
        let outbound = outbound(&[], &[answer]);
        let refused = fate(&outbound, "https://example.com/", ChosenBy::Organization).await;
        assert!(refused.is_err(), "{answer:?}");
    }
    let good = outbound(&[], &[&["8.8.8.8", "2606:4700::1"]]);
    let route = fate(&good, "https://example.com/", ChosenBy::Organization).await;
    let expected = ["8.8.8.8:443", "[2606:4700::1]:443"].map(|text| text.parse().unwrap());
    assert_eq!(route.unwrap(), expected);
}

/// DNS rebinding: the name leads outside when it is tested, and inside a moment later.
#[tokio::test]
async fn a_name_is_asked_once_for_each_call() {
    let outbound = outbound(&[], &[&["192.0.2.1"], &["127.0.0.1"]]);
    let url = "https://example.com/".parse().unwrap();
    let post = Post {
        url: &url,
        by: ChosenBy::Operator,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    // Nothing answers at the first address; were the name asked again, this machine would.
    let answer = outbound.post(post, Duration::from_millis(300)).await;
    assert!(
        matches!(answer, Err(OutboundError::Unreachable(_))),
        "{answer:?}"
    );
    let Resolver::Scripted(left) = &outbound.resolver else {
        panic!("a scripted one")
    };
    assert_eq!(left.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_operator_names_exact_origins() {
    let allowed = [
        "http://10.0.0.5:8080",
        "https://mail.internal",
        "https://169.254.169.254",
    ];
    let answers: [&[&str]; 3] = [&["10.0.0.9"], &["10.0.0.9"], &["169.254.169.254"]];
    let outbound = outbound(&allowed, &answers);
    let by = ChosenBy::Organization;
    assert!(fate(&outbound, "http://10.0.0.5:8080/x", by).await.is_ok());
    assert!(fate(&outbound, "https://mail.internal/y", by).await.is_ok());
    for near in [
        "http://10.0.0.5/",
        "https://10.0.0.5:8080/",
        "http://10.0.0.6:8080/",
        "https://mail.internal:8443/",
        "http://mail.internal/",
        // What clouds keep there is nobody's, whoever names it.
        "https://mail.internal/",
        "https://169.254.169.254/",
    ] {
        assert!(fate(&outbound, near, by).await.is_err(), "{near}");
    }
    for bad in ["https://a/b", "https://a/?b", "https://u@a", "ftp://a", "a"] {
        assert!(bad.parse::<Origin>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn the_operator_may_choose_private_addresses_but_not_in_clear() {
    let outbound = outbound(&[], &[]);
    let by = ChosenBy::Operator;
    for good in [
        "https://10.0.0.1/",
        "http://127.0.0.1:9/",
        "http://[::1]:9/",
        "smtps://10.0.0.1",
    ] {
        assert!(fate(&outbound, good, by).await.is_ok(), "{good}");
    }
    for bad in [
        "http://10.0.0.1/",
        "http://8.8.8.8/",
        "https://169.254.169.254/",
    ] {
        assert!(fate(&outbound, bad, by).await.is_err(), "{bad}");
    }
}

/// A server that says this to whoever comes, once for each, and answers what it was told.
async fn server(says: String) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
    let told = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut told = vec![0; 4096];
        let length = stream.read(&mut told).await.unwrap();
        let _ = stream.write_all(says.as_bytes()).await;
        // Another one would be a redirect that was followed.
        let again = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(again.is_err(), "there was a second call");
        String::from_utf8(told[..length].to_vec()).unwrap()
    });
    (url.parse().unwrap(), told)
}

async fn post(url: &Url) -> Result<Answer, OutboundError> {
    let post = Post {
        url,
        by: ChosenBy::Operator,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"hello"),
    };
    outbound(&[], &[]).post(post, Duration::from_secs(5)).await
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let says = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n\
                Content-Length: 0\r\n\r\n";
    let (url, told) = server(says.to_owned()).await;
    assert_eq!(post(&url).await.unwrap().status.as_u16(), 307);
    let told = told.await.unwrap();
    assert!(told.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{told}");
    assert!(told.ends_with("\r\n\r\nhello"), "{told}");
    let host = format!(
        "host: {}:{}\r\n",
        url.host_str().unwrap(),
        url.port().unwrap()
    );
    assert!(told.contains(&host), "{told}");
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    let body = "x".repeat(70_000);
    let says = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (url, _told) = server(says).await;
    assert!(matches!(
        post(&url).await,
        Err(OutboundError::Unreadable(_))
    ));
    let headers = "x: y\r\n".repeat(100);
    let (url, _told) = server(format!("HTTP/1.1 200 OK\r\n{headers}\r\n")).await;
    assert!(matches!(
        post(&url).await,
        Err(OutboundError::Unreachable(_))
    ));
    let says = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno";
    let (url, _told) = server(says.to_owned()).await;
    let answer = post(&url).await.unwrap();
    assert_eq!(answer.retry_after_s, Some(7));
    assert_eq!(answer.body, "no");
}
