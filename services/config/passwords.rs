//! The settings of passwords: how they are hashed, and what they must be.

use gatepost_core::limits::{PASSWORD_CHARS_MIN, PASSWORDS_REMEMBERED_MAX};
use gatepost_core::password::PasswordPolicy;

use super::{ConfigError, Reader};

/// Memory times iterations of the weakest parameters that OWASP recommends for Argon2id, in KiB:
/// 7 MiB with five iterations.
const FILLED_KIB_RECOMMENDED: u64 = 7 * 1024 * 5;

/// How passwords are hashed, and what they must be.
#[derive(Debug, Clone)]
pub struct PasswordConfig {
    /// Passwords that are checked at the same time.
    pub workers: usize,
    /// Memory of one Argon2id hash.
    pub memory_kib: u32,
    /// How often that memory is filled.
    pub iterations: u32,
    /// Lanes of the memory. One thread fills all of them.
    pub parallelism: u32,
    /// What a new password is measured by.
    pub policy: PasswordPolicy,
}

impl PasswordConfig {
    /// Whether hashes are weaker than anybody should have them in earnest.
    pub fn is_weak(&self) -> bool {
        u64::from(self.memory_kib) * u64::from(self.iterations) < FILLED_KIB_RECOMMENDED
    }
}

impl Reader<'_> {
    /// How passwords are hashed, and what they must be.
    pub(super) fn passwords(&self) -> Result<PasswordConfig, ConfigError> {
        let small = |name, least, most| {
            let value = self.between(name, least, most)?;
            u32::try_from(value).map_err(|error| Self::bad(name, error.to_string()))
        };
        let least = u64::try_from(PASSWORD_CHARS_MIN).unwrap_or(u64::MAX);
        let chars_min = self.between("password_length_min", least, 128)?;
        let workers = self.between("password_workers", 1, 64)?;
        Ok(PasswordConfig {
            workers: usize::try_from(workers).unwrap_or(1),
            memory_kib: small("password_memory_kib", 1024, 1 << 20)?,
            iterations: small("password_iterations", 1, 64)?,
            parallelism: small("password_parallelism", 1, 16)?,
            policy: PasswordPolicy {
                chars_min: usize::try_from(chars_min).unwrap_or(usize::MAX),
                remembered: small("password_history", 0, PASSWORDS_REMEMBERED_MAX.into())?,
            },
        })
    }
}
