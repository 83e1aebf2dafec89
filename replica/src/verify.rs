//! The check of a token: its signature once, its life on every request.
//!
//! A token whose signature was good is remembered until it expires, found again by a seeded hash
//! of the whole token and compared in full. Everything that can end before the token does (user,
//! application, secret, session, organization, signing key) is looked up each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use foldhash::HashMap;
use gatepost_core::claims::{AccessClaims, Principal, TYPE_APPLICATION, liveness};
use gatepost_core::name::Slug;
use gatepost_core::{Algorithm, OrganizationId, SessionId, Snapshot};
use gatepost_proto::ErrorReason;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::present::{Present, Want};
use crate::snapshots::Snapshots;

/// The `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TYPE: &str = "at+jwt";
/// The `typ` of an ID token.
pub const ID_TYPE: &str = "JWT";
/// The path of organizations' issuers; the slug follows.
pub const ISSUERS: &str = "/o/";
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8192;
/// Memory for remembered tokens, in bytes.
const REMEMBERED_BYTES_MAX: u64 = 64 << 20;
/// What a remembered token weighs beside its own text, in bytes; an estimate.
const REMEMBERED_OVERHEAD_BYTES: u64 = 700;
/// Rest between two looks for a key that is not there, in microseconds.
const LOOK_REST_US: u64 = 250_000;
/// How far the clock of the replica that issued a token may be ahead of ours, in seconds.
const CLOCK_SKEW_S_MAX: i64 = 5;

/// A token whose signature and issuer are good.
#[derive(Debug)]
pub struct Verified {
    /// What it says.
    pub claims: AccessClaims,
    /// Who it speaks of.
    pub principal: Principal,
    kid: String,
}

impl Verified {
    /// Whether it is meant for this audience. A question to Gatepost names the product itself, so
    /// tokens for any product of ours may ask one; who does more with a token asks this.
    pub fn is_for(&self, audience: &str) -> bool {
        self.claims.aud.iter().any(|one| one == audience)
    }
}

/// What a logout needs to know of a token, expired or not.
#[derive(Debug, Deserialize)]
pub struct Ending {
    iss: String,
    /// The session; of a machine, its credential.
    #[serde(rename = "sid")]
    pub session: SessionId,
    /// The organization.
    #[serde(rename = "tenantId")]
    pub organization: OrganizationId,
    /// The person, or the machine.
    #[serde(default, rename = "sub")]
    pub subject: String,
    /// The client that it was bought through, if through one.
    #[serde(default, rename = "azp")]
    pub client_id: Option<String>,
    /// Of an access token, whose.
    #[serde(default)]
    r#type: String,
}

impl Ending {
    /// Whether it is the token of a machine, which has no session that could end.
    pub fn is_machine(&self) -> bool {
        self.r#type == TYPE_APPLICATION
    }
}

/// The public keys of one snapshot of the system organization.
#[derive(Default)]
struct Keys {
    of: Option<Arc<Snapshot>>,
    by_kid: HashMap<String, (Algorithm, DecodingKey)>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<str>, Arc<Verified>> for Weight {
    fn weight(&self, token: &Box<str>, _: &Arc<Verified>) -> u64 {
        u64::try_from(token.len())
            .unwrap_or(u64::MAX)
            .saturating_add(REMEMBERED_OVERHEAD_BYTES)
    }
}

/// Checks tokens.
pub struct Verifier {
    issuer: String,
    /// Seconds that a token is good for, whatever it says itself: ended sessions are remembered no
    /// longer, so a token of a time with a longer setting must not outlive that.
    lifetime_s: i64,
    clock: Clock,
    snapshots: Arc<Snapshots>,
    keys: ArcSwap<Keys>,
    /// Microseconds since boot at which somebody last looked for a key that was not there.
    looked_at_us: AtomicU64,
    remembered: Cache<Box<str>, Arc<Verified>, Weight, foldhash::fast::RandomState>,
}

impl Verifier {
    /// A verifier for tokens of this issuer, which live this long.
    pub fn new(
        issuer: String,
        lifetime: Duration,
        clock: Clock,
        snapshots: Arc<Snapshots>,
    ) -> Self {
        let tokens = usize::try_from(REMEMBERED_BYTES_MAX / 1500).unwrap_or(1000);
        Self {
            issuer,
            lifetime_s: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
            clock,
            snapshots,
            keys: ArcSwap::default(),
            looked_at_us: AtomicU64::new(0),
            remembered: Cache::with(
                tokens,
                REMEMBERED_BYTES_MAX,
                Weight,
                foldhash::fast::RandomState::default(),
                quick_cache::sync::DefaultLifecycle::default(),
            ),
        }
    }

    /// Verifies an access token and that everything it stands on still lives.
    ///
    /// # Errors
    /// A 401 with its reason; `UNAVAILABLE` when this replica is not fresh enough to say.
    pub async fn check(&self, token: &str, want: Want) -> Result<(Arc<Verified>, Present)> {
        let verified = match self.remembered.get(token) {
            Some(verified) => verified,
            None => self.verify_first_time(token).await?,
        };
        let claims = &verified.claims;
        let organization = verified.principal.organization();
        if !self.snapshots.serves(organization) {
            let message = "this sidecar is not fed with that organization or product";
            return Err(Error::new(ErrorReason::NotServed, message));
        }
        let present = self
            .snapshots
            .get(organization, want.and_at_least(claims.rev))
            .await?;
        let ends = claims.exp.min(claims.iat.saturating_add(self.lifetime_s));
        if ends <= present.now.unix_timestamp() {
            self.remembered.remove(token);
            return Err(Error::new(
                ErrorReason::TokenExpired,
                "the token has expired",
            ));
        }
        liveness(present.view(), verified.principal)?;
        if !self
            .keys(&present.system)
            .by_kid
            .contains_key(&verified.kid)
        {
            self.remembered.remove(token);
            return Err(invalid(
                "the token was signed with a key that was withdrawn",
            ));
        }
        Ok((verified, present))
    }

    /// Reads an ID or access token whose signature is good; it may be expired.
    ///
    /// # Errors
    /// `TOKEN_INVALID`.
    pub async fn ending(&self, token: &str) -> Result<Ending> {
        let (ending, _): (Ending, _) = self.open(token, &[ACCESS_TYPE, ID_TYPE]).await?;
        self.require_ours(&ending.iss)?;
        Ok(ending)
    }

    /// Every organization has an issuer of its own beside the installation's. Which of them it is
    /// decides nothing: the tenant is another claim, under the same signature.
    fn require_ours(&self, issuer: &str) -> Result<()> {
        let own = issuer
            .strip_prefix(self.issuer.trim_end_matches('/'))
            .and_then(|path| path.strip_prefix(ISSUERS));
        if issuer == self.issuer || own.is_some_and(|slug| Slug::parse(slug).is_ok()) {
            return Ok(());
        }
        Err(invalid("the token is of another issuer"))
    }

    async fn verify_first_time(&self, token: &str) -> Result<Arc<Verified>> {
        let (claims, kid): (AccessClaims, _) = self.open(token, &[ACCESS_TYPE]).await?;
        self.require_ours(&claims.iss)?;
        if claims.aud.is_empty() {
            return Err(invalid("the token is for another audience"));
        }
        if claims.nbf > self.clock.now().unix_timestamp() + CLOCK_SKEW_S_MAX {
            return Err(invalid("the token is not valid yet"));
        }
        let principal =
            Principal::from_claims(&claims).map_err(|_| invalid("the token names nobody"))?;
        let verified = Arc::new(Verified {
            claims,
            principal,
            kid,
        });
        self.remembered.insert(token.into(), Arc::clone(&verified));
        Ok(verified)
    }

    /// Checks the signature with the one key, and the one algorithm, that the key id names: what
    /// the header says of algorithms is compared, never followed (RFC 8725 §3.1).
    async fn open<C: DeserializeOwned>(&self, token: &str, types: &[&str]) -> Result<(C, String)> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid("the token is too long"));
        }
        let malformed = || invalid("the token is malformed");
        let header = jsonwebtoken::decode_header(token).map_err(|_| malformed())?;
        if header.crit.is_some() {
            // Extensions that must be understood are not, whichever they are (RFC 7515 §4.1.11).
            return Err(malformed());
        }
        let typ = header.typ.as_deref().unwrap_or_default();
        if !types.iter().any(|known| known.eq_ignore_ascii_case(typ)) {
            return Err(invalid("the token is of another type"));
        }
        let kid = header.kid.ok_or_else(malformed)?;
        let keys = self.keys_with(&kid).await?;
        let (algorithm, key) = keys
            .by_kid
            .get(&kid)
            .ok_or_else(|| invalid("the token was signed with an unknown key"))?;
        let algorithm = jose(*algorithm);
        if header.alg != algorithm {
            return Err(invalid("the token was signed in another way than its key"));
        }
        let data = jsonwebtoken::decode::<C>(token, key, &signature_only(algorithm))
            .map_err(|_| invalid("the token's signature or content is not good"))?;
        Ok((data.claims, kid))
    }

    /// The keys, after one shared look for news if `kid` is not among them.
    async fn keys_with(&self, kid: &str) -> Result<Arc<Keys>> {
        let system = self.snapshots.system();
        let present = self.snapshots.get(system, Want::default()).await?;
        let keys = self.keys(&present.system);
        if keys.by_kid.contains_key(kid) {
            return Ok(keys);
        }
        // Anybody can make up key ids, and each look costs the database a question.
        let now_us = u64::try_from(self.clock.since_boot().as_micros()).unwrap_or(u64::MAX);
        if now_us.saturating_sub(self.looked_at_us.load(Ordering::Relaxed)) < LOOK_REST_US {
            return Ok(keys);
        }
        self.looked_at_us.store(now_us, Ordering::Relaxed);
        // The key may be younger than this snapshot; asking for the next revision makes the
        // follower look, and not finding it is the usual case of a forged token.
        let next = present.system.revision() + 1;
        match self.snapshots.get(system, Want::at_least(next)).await {
            Ok(present) => Ok(self.keys(&present.system)),
            Err(_) => Ok(keys),
        }
    }

    fn keys(&self, system: &Arc<Snapshot>) -> Arc<Keys> {
        let keys = self.keys.load();
        // Not by the revision: in another epoch it means something else.
        if keys.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, system)) {
            return Arc::clone(&keys);
        }
        let by_kid = system
            .signing_keys()
            .filter_map(|(kid, key)| {
                let jwk: Jwk = serde_json::from_str(&key.jwk).ok()?;
                let decoding = DecodingKey::from_jwk(&jwk).ok()?;
                Some((kid.to_owned(), (key.algorithm, decoding)))
            })
            .collect();
        let keys = Arc::new(Keys {
            of: Some(Arc::clone(system)),
            by_kid,
        });
        self.keys.store(Arc::clone(&keys));
        keys
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorReason::TokenInvalid, message)
}

fn jose(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}

/// The library checks the signature; times and names are checked here, on our own clock.
fn signature_only(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
