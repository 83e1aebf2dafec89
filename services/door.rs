//! The door: what is true for every request, whatever its face.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HeaderMap, USER_AGENT};
use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use tracing::Instrument;

use crate::clock::{Clock, new_id};
use crate::context::Arrival;
use crate::telemetry;

const FORWARDED_FOR: &str = "x-forwarded-for";
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Hops of `X-Forwarded-For` that are looked at; a longer chain is somebody's joke.
const HOPS_MAX: usize = 32;
/// How much of a program's name for itself is kept.
const AGENT_CHARACTERS_MAX: usize = 200;

/// The address of the socket's other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// What the door needs to know.
pub struct Door {
    /// Names requests.
    pub clock: Clock,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// Names the request and finds out where it comes from.
pub async fn enter(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let arrival = door.arrival(peer, request.headers());
    let name = HeaderValue::from_str(&arrival.request_id).ok();
    let span = tracing::debug_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        request_id = arrival.request_id
    );
    telemetry::continue_trace(&span, request.headers());
    request.extensions_mut().insert(arrival);
    let mut response = next.run(request).instrument(span).await;
    // AuthZEN's callers choose the name themselves (Authorization API 1.0 §10.1.4).
    if let Some(name) = name.filter(|_| !response.headers().contains_key(REQUEST_ID)) {
        response.headers_mut().insert(REQUEST_ID, name);
    }
    response
}

impl Door {
    /// Names a request, and says where it comes from.
    pub fn arrival(&self, peer: Option<Peer>, headers: &HeaderMap) -> Arrival {
        Arrival {
            address: match peer {
                Some(Peer(peer)) => self.address(peer, headers),
                None => Arrival::inside().address,
            },
            request_id: new_id(self.clock.now()).to_string(),
            agent: agent(headers),
        }
    }

    /// The last address that is not one of our own proxies, from right to left: everything left of
    /// it was written by strangers.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut address = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            if !self
                .trusted_proxies
                .iter()
                .any(|network| network.contains(&address))
            {
                break;
            }
            let Ok(hop) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            address = hop.to_canonical();
        }
        address
    }
}

/// What a program calls itself, as far as it can be shown to people.
fn agent(headers: &HeaderMap) -> String {
    let value = headers
        .get(USER_AGENT)
        .map_or(&[][..], HeaderValue::as_bytes);
    let text = String::from_utf8_lossy(value);
    let shown = text.chars().filter(|character| !character.is_control());
    shown.take(AGENT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let door = Door {
            clock: Clock::System,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        };
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        door.address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(address("1.2.3.4", &["9.9.9.9"]), "1.2.3.4");
        assert_eq!(address("10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(
            address("10.0.0.1", &["6.6.6.6, 9.9.9.9, 10.0.0.2"]),
            "9.9.9.9"
        );
        assert_eq!(address("10.0.0.1", &["6.6.6.6", "9.9.9.9"]), "9.9.9.9");
        assert_eq!(address("::1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(address("::ffff:10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
    }

    #[test]
    fn a_malformed_hop_ends_the_walk() {
        assert_eq!(address("10.0.0.1", &["9.9.9.9, unknown"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[""]), "10.0.0.1");
    }

    #[test]
    fn an_agent_is_cut_and_has_no_control_characters() {
        let mut headers = HeaderMap::new();
        assert_eq!(agent(&headers), "");
        let long = format!("a\tb{}", "x".repeat(300));
        headers.insert(USER_AGENT, long.parse().unwrap());
        let shown = agent(&headers);
        assert!(shown.starts_with("abx") && shown.len() == AGENT_CHARACTERS_MAX);
    }
}
