//! Who was let pass, as proxies tell it to products.

use bytes::{BufMut, Bytes, BytesMut};
use gatepost_core::Subject;
use gatepost_replica::Caller;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The headers in which a product reads who was let pass.
pub const HEADERS: [&str; 5] = [
    "x-gatepost-subject",
    "x-gatepost-subject-type",
    "x-gatepost-tenant",
    "x-gatepost-tenant-id",
    "x-gatepost-decision-id",
];

/// The same in Envoy's dynamic metadata.
pub const FIELDS: [&str; 5] = [
    "subject",
    "subject_type",
    "tenant",
    "tenant_id",
    "decision_id",
];

/// Who asked, and the decision: a value for each of [`HEADERS`].
#[derive(Clone, Debug)]
pub struct Identity(pub [Bytes; 5]);

impl Identity {
    /// Of a caller and a decision of hers.
    pub fn new(caller: &Caller) -> Self {
        let own = caller.present.organization.organization();
        let slug = own.map_or(caller.token.claims.owner.as_str(), |own| &own.slug);
        let (id, kind) = match caller.subject() {
            Subject::User(id) => (id.uuid(), "user"),
            Subject::Application(id) => (id.uuid(), "application"),
        };
        // One allocation for all of them.
        let mut text = BytesMut::with_capacity(2 * slug.len() + 1 + 3 * Hyphenated::LENGTH);
        text.put_slice(slug.as_bytes());
        text.put_u8(b'/');
        put_id(&mut text, id);
        let subject = text.split().freeze();
        text.put_slice(slug.as_bytes());
        let tenant = text.split().freeze();
        put_id(&mut text, caller.organization().uuid());
        let tenant_id = text.split().freeze();
        put_id(&mut text, caller.new_decision_id());
        Self([
            subject,
            Bytes::from_static(kind.as_bytes()),
            tenant,
            tenant_id,
            text.freeze(),
        ])
    }
}

fn put_id(text: &mut BytesMut, id: Uuid) {
    let mut buffer = [0; Hyphenated::LENGTH];
    text.put_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
}

/// Whether a header has a name that only we may give. Some servers read `_` as `-`.
pub fn is_reserved(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"x-gatepost-";
    let start = name.get(..PREFIX.len());
    let same = |(one, other): (&u8, &u8)| {
        one.eq_ignore_ascii_case(other) || (*one == b'_' && *other == b'-')
    };
    start.is_some_and(|start| start.iter().zip(PREFIX).all(same))
}
