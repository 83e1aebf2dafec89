//! Codes of authenticator apps (RFC 6238): SHA-1, six digits, thirty seconds.

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use time::OffsetDateTime;
use totp_rs::{Builder, Secret, Totp, TotpError};
use zeroize::Zeroizing;

use super::purpose;
use crate::error::{Error, Result};
use crate::seal::{SealError, Sealer, random};

/// What RFC 4226 §4 recommends.
const SECRET_BYTES: usize = 20;
/// Steps before and after the present one that are taken, for clocks that differ.
const SKEW_STEPS: u16 = 1;

/// A new secret.
///
/// # Errors
/// When the system has no randomness.
pub fn new_secret() -> Result<Zeroizing<[u8; SECRET_BYTES]>, SealError> {
    Ok(Zeroizing::new(random()?))
}

/// Seals a secret for one person.
///
/// # Errors
/// When the system has no randomness.
pub fn seal(sealer: &Sealer, user: UserId, secret: &[u8]) -> Result<Vec<u8>, SealError> {
    sealer.seal(&purpose("second factor", user, Method::App), secret)
}

/// The time step of which `passcode` is the code, if it is of one that is taken at `now`.
///
/// # Errors
/// `INTERNAL` when the secret cannot be opened.
pub fn step(
    sealer: &Sealer,
    user: UserId,
    sealed: &[u8],
    passcode: &str,
    now: OffsetDateTime,
) -> Result<Option<i64>> {
    let secret = sealer.open(&purpose("second factor", user, Method::App), sealed)?;
    let totp = totp(&secret, "", "").map_err(Error::internal)?;
    let now_s = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    let step = totp.check(passcode, now_s);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// The secret in base 32, and the address that apps read from a QR code.
///
/// # Errors
/// `INTERNAL` when the names cannot be written in one.
pub fn shown(secret: &[u8], account: &str, issuer: &str) -> Result<(String, String)> {
    let totp = totp(secret, account, issuer).map_err(Error::internal)?;
    let url = totp.to_url().map_err(Error::internal)?;
    Ok((totp.secret().to_base32(), url))
}

fn totp(secret: &[u8], account: &str, issuer: &str) -> Result<Totp, TotpError> {
    // A colon stands between the two.
    let plain = |name: &str| name.replace(':', " ");
    let issuer = Some(plain(issuer)).filter(|issuer| !issuer.is_empty());
    Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_skew(SKEW_STEPS)
        .with_account_name(plain(account))
        .with_issuer(issuer)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six digits of each.
    #[test]
    fn codes_are_those_of_the_standard() {
        let sealer = Sealer::new(&"07".repeat(32)).unwrap();
        let user = UserId::new(uuid::Uuid::from_u128(7));
        let sealed = seal(&sealer, user, b"12345678901234567890").unwrap();
        let step_at = |code: &str, second: i64| {
            let now = OffsetDateTime::from_unix_timestamp(second).unwrap();
            step(&sealer, user, &sealed, code, now).unwrap()
        };
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let own = second / 30;
            assert_eq!(step_at(code, second), Some(own));
            assert_eq!(step_at(code, second + 30), Some(own));
            assert_eq!(step_at(code, second - 30), Some(own));
            assert_eq!(step_at(code, second + 60), None);
            // Before 1970 there are no steps.
            assert!(second < 60 || step_at(code, second - 60).is_none());
        }
        for bad in ["", "28708", "2870820", "28708x", "287 082", "٢٨٧٠٨٢"] {
            assert_eq!(step_at(bad, 59), None, "{bad}");
        }
        let other = UserId::new(uuid::Uuid::from_u128(8));
        let now = OffsetDateTime::from_unix_timestamp(59).unwrap();
        assert!(step(&sealer, other, &sealed, "287082", now).is_err());
    }

    #[test]
    fn names_do_not_break_the_address() {
        let (secret, url) = shown(&[7; 20], "a:b&secret=x", "Acme: Bank").unwrap();
        assert!(url.starts_with("otpauth://totp/Acme%20%20Bank:a%20b%26secret%3Dx?secret="));
        assert!(
            url.contains(&secret) && url.ends_with("&issuer=Acme%20%20Bank"),
            "{url}"
        );
    }
}
