//! A stored password hash of whatever form: read, and compared with a password.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};
use gatepost_store::PasswordHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::work::{HashError, Lane, Work};

/// Most bytes in the text of a hash.
const TEXT_BYTES_MAX: usize = 512;
/// Most bytes of a salt.
const SALT_BYTES_MAX: usize = 64;
/// Least bytes of an Argon2 salt (RFC 9106 §3.1).
const ARGON2_SALT_BYTES_MIN: usize = 8;
/// Least bytes of a digest: fewer are found by chance.
const DIGEST_BYTES_MIN: usize = 16;
/// Most bytes of a digest.
const DIGEST_BYTES_MAX: usize = 64;
/// Characters of a bcrypt salt; the digest follows without a sign between.
const BCRYPT_SALT_CHARS: usize = 22;
/// Bytes of a bcrypt digest: one less than it has.
const BCRYPT_DIGEST_BYTES: usize = 23;

/// bcrypt's own base64. Its last characters have bits to spare, and some programs fill them.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// A hash, taken apart.
pub struct Stored {
    /// What a check of it costs.
    pub work: Work,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Stored {
    /// Takes a hash apart. What it costs is not judged here.
    ///
    /// # Errors
    /// [`HashError::Unknown`] for no form that is known, [`HashError::Damaged`] for a broken one.
    pub fn read(hash: &PasswordHash) -> Result<Self, HashError> {
        let (text, form) = (hash.0.as_str(), hash.work());
        if text.len() > TEXT_BYTES_MAX {
            return Err(HashError::Damaged("it is too long"));
        }
        let work: Work = form.parse()?;
        let rest = text
            .strip_prefix(form)
            .and_then(|rest| rest.strip_prefix('$'));
        let rest = rest.ok_or(HashError::Unknown)?;
        let (salt, mut digest) = match work.lane {
            Lane::Bcrypt => bcrypt_parts(rest)?,
            Lane::Argon2 { .. } | Lane::Pbkdf2(_) | Lane::Scrypt { .. } => parts(form, rest)?,
        };
        let least = match work.lane {
            Lane::Argon2 { .. } => ARGON2_SALT_BYTES_MIN,
            Lane::Bcrypt | Lane::Pbkdf2(_) | Lane::Scrypt { .. } => 1,
        };
        if !(least..=SALT_BYTES_MAX).contains(&salt.len()) {
            return Err(HashError::Damaged("the salt is too short or too long"));
        }
        if !(DIGEST_BYTES_MIN..=DIGEST_BYTES_MAX).contains(&digest.len()) {
            return Err(HashError::Damaged("the digest is too short or too long"));
        }
        if let Lane::Pbkdf2(hmac) = work.lane {
            require_declared_length(form, digest.len())?;
            // Each block is derived for itself (RFC 8018 §5.2): a second one would double the
            // work, and whoever guesses needs the first only.
            digest.truncate(hmac.bytes());
        }
        Ok(Self { work, salt, digest })
    }

    /// Whether this is the hash of `password`.
    ///
    /// # Errors
    /// [`HashError::Failed`] when there is no memory for it.
    pub fn fits(&self, password: &[u8]) -> Result<bool, HashError> {
        let mut derived = Zeroizing::new(vec![0; self.digest.len()]);
        self.work.derive(password, &self.salt, &mut derived)?;
        Ok(derived.ct_eq(&self.digest).into())
    }
}

fn bcrypt_parts(text: &str) -> Result<(Vec<u8>, Vec<u8>), HashError> {
    const WRONG: HashError = HashError::Damaged("it is no bcrypt hash");
    let (salt, digest) = text.split_at_checked(BCRYPT_SALT_CHARS).ok_or(WRONG)?;
    let decode = |text| BCRYPT.decode(text).map_err(|_| WRONG);
    let digest = decode(digest)?;
    if digest.len() != BCRYPT_DIGEST_BYTES {
        return Err(WRONG);
    }
    Ok((decode(salt)?, digest))
}

/// Salt and digest of the other forms.
fn parts(form: &str, text: &str) -> Result<(Vec<u8>, Vec<u8>), HashError> {
    const WRONG: HashError = HashError::Damaged("salt and digest are no base64");
    let (salt, digest) = text.split_once('$').ok_or(WRONG)?;
    if !form.starts_with('$') {
        // Django's form: the salt is text, and taken as it is.
        if !salt.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(HashError::Damaged(
                "the salt has other than letters and digits",
            ));
        }
        let digest = STANDARD.decode(digest).map_err(|_| WRONG)?;
        return Ok((salt.as_bytes().to_vec(), digest));
    }
    // passlib writes a full stop for the plus sign.
    let decode = |text: &str| {
        STANDARD_NO_PAD
            .decode(text.replace('.', "+"))
            .map_err(|_| WRONG)
    };
    Ok((decode(salt)?, decode(digest)?))
}

/// Some write down how long the digest is.
fn require_declared_length(form: &str, length: usize) -> Result<(), HashError> {
    let declared = form
        .split(['$', ','])
        .find_map(|part| part.strip_prefix("l="));
    if declared.is_some_and(|declared| declared.parse() != Ok(length)) {
        return Err(HashError::Damaged(
            "the digest has not the length that it says",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Stored, HashError> {
        Stored::read(&PasswordHash(text.to_owned()))
    }

    #[track_caller]
    fn fits(text: &str, password: &str) {
        let stored = read(text).unwrap();
        assert!(stored.fits(password.as_bytes()).unwrap(), "{text}");
        let other = format!("{password}x");
        assert!(!stored.fits(other.as_bytes()).unwrap(), "{text}");
        assert!(!stored.fits(b"").unwrap(), "{text}");
    }

    /// The vectors of `crypt_blowfish`, which Openwall publishes for every implementation.
    #[test]
    fn bcrypt_is_the_one_that_all_know() {
        fits(
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "U*U",
        );
        fits(
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
            "U*U*",
        );
        fits(
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "U*U",
        );
        fits(
            "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "U*U",
        );
        let empty = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy";
        assert!(read(empty).unwrap().fits(b"").unwrap());
    }

    /// The last of those vectors: its password has 81 bytes, of which 72 count.
    #[test]
    fn bcrypt_looks_at_72_bytes() {
        let text = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
        let password = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\
                        0123456789chars after 72 are ignored";
        let stored = read(text).unwrap();
        assert!(stored.fits(password.as_bytes()).unwrap());
        assert!(stored.fits(&password.as_bytes()[..72]).unwrap());
        assert!(!stored.fits(&password.as_bytes()[..71]).unwrap());
    }

    /// RFC 7914 §11.
    #[test]
    fn pbkdf2_is_that_of_the_rfc() {
        fits(
            "$pbkdf2-sha256$i=1,l=64$c2FsdA$\
             VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GX\
             gw",
            "passwd",
        );
        fits(
            "$pbkdf2-sha256$80000$TmFDbA$\
             TdzY9guYviGDDO5e8icB.WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8\
             jQ",
            "Password",
        );
    }

    /// RFC 7914 §12.
    #[test]
    fn scrypt_is_that_of_the_rfc() {
        fits(
            "$scrypt$ln=10,r=8,p=16$TmFDbA$\
             /bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswG\
             QA",
            "password",
        );
        fits(
            "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$\
             cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdY\
             hw",
            "pleaseletmein",
        );
    }

    /// What the reference implementation is tested by.
    #[test]
    fn argon2_is_that_of_the_reference() {
        for text in [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$\
             nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$\
             bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$\
             iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$\
             /U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        ] {
            fits(text, "password");
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let django = "pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=";
        let argon2 = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$\
                      nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        for whole in [bcrypt, django, argon2] {
            read(whole).unwrap();
        }
        for text in [
            bcrypt.trim_end_matches('W'),
            &format!("{bcrypt}A"),
            &format!("{bcrypt}$"),
            &bcrypt.replace("E5Y", "E5é"),
            &bcrypt.replace("E5Y", "E5="),
            &argon2.replace("c29tZXNhbHQ", "c2FsdA"),
            &argon2.replace("c29tZXNhbHQ", ""),
            &argon2.replace("c29tZXNhbHQ", &"A".repeat(120)),
            &argon2.replace("nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "nf65"),
            &argon2.replace("nf65", "nf6 "),
            &format!("{argon2}="),
            &django.replace("salt", "sa-lt"),
            &django.replace("salt", ""),
            &django.replace("rLw=", "rLw"),
            "$pbkdf2-sha256$i=1,l=64$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw",
            &"$".repeat(600),
        ] {
            let wrong = read(text).err();
            let told = matches!(wrong, Some(HashError::Damaged(_) | HashError::Unknown));
            assert!(told, "{text}: {wrong:?}");
        }
        assert_eq!(read("password").err(), Some(HashError::Unknown));
        assert_eq!(read("").err(), Some(HashError::Unknown));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", parts in "[$=,./+a-zA-Z0-9]{0,120}") {
            let _ = read(&text);
            let forms = [
                "$2b$05$", "pbkdf2_sha256$1$", "$scrypt$ln=4,r=1,p=1$", "$argon2d$m=8,t=1,p=1$",
            ];
            for form in forms {
                let _ = read(&format!("{form}{parts}"));
            }
        }

        /// Whatever is hashed is found again, and nothing else.
        #[test]
        fn what_was_written_is_read(
            password in "[ -~]{1,80}", salt in prop::collection::vec(any::<u8>(), 8..49),
            form in 0..4_usize,
        ) {
            let form = [
                "$argon2id$v=19$m=8,t=1,p=1",
                "$scrypt$ln=1,r=1,p=1",
                "$pbkdf2-sha512$i=3",
                "$pbkdf2-sha256$i=2,l=32",
            ][form];
            let mut digest = [0; 32];
            let work: Work = form.parse().unwrap();
            work.derive(password.as_bytes(), &salt, &mut digest).unwrap();
            let [salt, digest] = [&salt[..], &digest].map(|bytes| STANDARD_NO_PAD.encode(bytes));
            let stored = read(&format!("{form}${salt}${digest}")).unwrap();
            prop_assert_eq!(stored.work, work);
            prop_assert!(stored.fits(password.as_bytes()).unwrap());
            let other = format!("{password}.");
            prop_assert!(!stored.fits(other.as_bytes()).unwrap());
        }
    }
}
