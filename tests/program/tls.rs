//! TLS on the one port: REST by HTTP/1.1 and HTTP/2, and gRPC.

use std::time::Duration;

use gatepost_proto::authorize::v1::AuthorizeRequest;
use gatepost_proto::authorize::v1::authorize_service_client::AuthorizeServiceClient;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Version};
use serde_json::{Value, json};
use tonic::transport::{Certificate as Authority, ClientTlsConfig, Endpoint};

use crate::process::Home;
use crate::rest::Rest;

#[tokio::test]
async fn every_face_is_served_with_tls() {
    let home = Home::empty();
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let (certificate, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let everywhere = format!("0.0.0.0:{}", home.port);
    let server = home.serve(&[
        ("GATEPOST_LISTEN", &everywhere),
        ("GATEPOST_TLS_CERT", certificate.to_str().unwrap()),
        ("GATEPOST_TLS_KEY", key.to_str().unwrap()),
    ]);

    let url = format!("https://localhost:{}", home.port);
    let mut token = String::new();
    for (version, only_old) in [(Version::HTTP_2, false), (Version::HTTP_11, true)] {
        let root = Certificate::from_pem(cert.pem().as_bytes()).unwrap();
        let mut http = reqwest::Client::builder()
            .tls_certs_only([root])
            .timeout(Duration::from_secs(10));
        if only_old {
            http = http.http1_only();
        }
        let http = http.build().unwrap();
        let health = http.get(format!("{url}/health")).send().await.unwrap();
        assert_eq!(health.version(), version);
        assert_eq!(health.text().await.unwrap(), "healthy");
        let base = url.clone();
        let rest = Rest { base, http };
        token = rest.token("admin").await;
        assert!(rest.may_get(&token).await.is_yes());
        let claims = rest.must(&token, "GET", "/v1/userinfo", Value::Null).await;
        assert_eq!(
            claims.body["preferredUsername"],
            json!("admin"),
            "{claims:?}"
        );
    }

    let tls = ClientTlsConfig::new()
        .ca_certificate(Authority::from_pem(cert.pem()))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut request = tonic::Request::new(AuthorizeRequest {
        product: "midaz".to_owned(),
        resource: "accounts".to_owned(),
        action: "get".to_owned(),
        ..AuthorizeRequest::default()
    });
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let answer = AuthorizeServiceClient::new(channel)
        .authorize(request)
        .await;
    assert!(answer.unwrap().into_inner().authorized);

    // Plain text is no way in, and does no harm.
    let plain = Rest::new(format!("http://127.0.0.1:{}", home.port));
    let request = plain.request("", "GET", "/health");
    assert!(plain.send(request).await.is_err());
    drop(server);
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused() {
    let home = Home::empty();
    let names = vec!["localhost".to_owned()];
    let one = generate_simple_self_signed(names.clone()).unwrap();
    let other = generate_simple_self_signed(names).unwrap();
    let (certificate, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    std::fs::write(&certificate, one.cert.pem()).unwrap();
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    let settings = [
        ("GATEPOST_TLS_CERT", certificate.to_str().unwrap()),
        ("GATEPOST_TLS_KEY", key.to_str().unwrap()),
    ];
    let line = home.refusal(&settings);
    assert!(line.contains("do not belong together"), "{line}");
    std::fs::write(&certificate, "no certificate").unwrap();
    let line = home.refusal(&settings);
    assert!(line.contains("GATEPOST_TLS_CERT"), "{line}");
}
