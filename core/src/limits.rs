//! Every limit of the domain, by name, with its unit last.

/// Most characters in a name: user, group, role, product, resource, action, application.
pub const NAME_CHARS_MAX: usize = 100;
/// Most characters in a slug; it is a DNS label.
pub const SLUG_CHARS_MAX: usize = 63;
/// Most characters in an e-mail address (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS_MAX: usize = 254;
/// Least characters in a password, unless configured.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Most characters in a password: hashing must not be a lever.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// How many of a user's last passwords must not come back, unless configured.
pub const PASSWORDS_REMEMBERED: u32 = 5;
/// Most passwords that are remembered: a new one is compared with each.
pub const PASSWORDS_REMEMBERED_MAX: u32 = 24;

/// Most steps from a group up to the farthest group that holds it.
pub const GROUP_DEPTH_MAX: usize = 16;
/// Most groups from which one group inherits, directly or not.
pub const GROUP_ANCESTORS_MAX: usize = 256;
/// Most groups in one organization.
pub const GROUPS_PER_ORGANIZATION_MAX: usize = 10_000;
/// Most groups that one user is a direct member of.
pub const GROUPS_PER_USER_MAX: usize = 1_000;
/// Most roles given directly to one user, group or application.
pub const ROLES_PER_SUBJECT_MAX: usize = 1_000;
/// Most custom roles in one organization.
pub const ROLES_PER_ORGANIZATION_MAX: usize = 10_000;
/// Most permissions in one role.
pub const ROLE_PERMISSIONS_MAX: usize = 100_000;
/// Most applications in one organization.
pub const APPLICATIONS_PER_ORGANIZATION_MAX: usize = 10_000;

/// Most secrets of one application: two while they are rotated, and some to spare.
pub const CREDENTIALS_PER_APPLICATION_MAX: usize = 10;

/// Most permissions in one manifest.
pub const MANIFEST_PERMISSIONS_MAX: usize = 10_000;
/// Most roles in one manifest.
pub const MANIFEST_ROLES_MAX: usize = 1_000;
/// Most groups or machines that one role of a manifest is given to, and most needs of a manifest.
pub const MANIFEST_GRANTS_MAX: usize = 100;
/// Most aliases of one product.
pub const MANIFEST_ALIASES_MAX: usize = 20;
/// Most routes in one manifest.
pub const MANIFEST_ROUTES_MAX: usize = 2_000;
/// Most methods of one route.
pub const ROUTE_METHODS_MAX: usize = 20;
/// Longest path template of a route.
pub const ROUTE_PATH_BYTES_MAX: usize = 500;
/// Most segments in the path template of a route; a custom verb is one.
pub const ROUTE_SEGMENTS_MAX: usize = 32;

/// Items in a page of a list, when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 10;
/// Most items in a page of a list.
pub const PAGE_LIMIT_MAX: u32 = 100;
