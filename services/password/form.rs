//! How stored hashes say what their check costs: the forms of other systems, and ours.

use std::str::FromStr;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Params, Version};

use super::work::{Digest, HashError, Lane, Work};

/// Least cost of bcrypt that there is.
const BCRYPT_COST_MIN: u32 = 4;

/// Reads a hash without its salt and its digest, as
/// [`PasswordHash::work`](gatepost_store::PasswordHash::work) cuts it.
impl FromStr for Work {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        if let Some(rest) = text.strip_prefix("$2") {
            return bcrypt_work(rest);
        }
        let plain = [
            ("pbkdf2_sha256$", Digest::Sha256),
            ("pbkdf2_sha512$", Digest::Sha512),
            ("$pbkdf2-sha256$", Digest::Sha256),
            ("$pbkdf2-sha512$", Digest::Sha512),
        ];
        for (prefix, digest) in plain {
            let iterations = text.strip_prefix(prefix).filter(|rest| !rest.contains('='));
            if let Some(iterations) = iterations {
                return pbkdf2_work(digest, decimal(iterations));
            }
        }
        if !text.starts_with('$') {
            return Err(HashError::Unknown);
        }
        phc_work(text)
    }
}

/// `a$10` of `$2a$10$…`.
fn bcrypt_work(text: &str) -> Result<Work, HashError> {
    let (variant, cost) = text.split_once('$').ok_or(HashError::Unknown)?;
    // `$2x$` marks hashes of an implementation that lost bits; `$2$` is older still.
    if !["a", "b", "y"].contains(&variant) {
        return Err(HashError::Unknown);
    }
    let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    let cost: Option<u32> = cost.parse().ok().filter(|_| digits);
    let cost = cost.filter(|cost| (BCRYPT_COST_MIN..u32::BITS).contains(cost));
    Ok(Work {
        lane: Lane::Bcrypt,
        rounds: 1 << cost.ok_or(HashError::Damaged("the cost is none"))?,
    })
}

fn pbkdf2_work(digest: Digest, iterations: Option<u32>) -> Result<Work, HashError> {
    let iterations = iterations.filter(|iterations| *iterations > 0);
    Ok(Work {
        lane: Lane::Pbkdf2(digest),
        rounds: iterations.ok_or(HashError::Damaged("the iterations are none"))?,
    })
}

/// The forms of the PHC string format.
fn phc_work(text: &str) -> Result<Work, HashError> {
    let phc = Phc::new(text).map_err(|_| HashError::Damaged("it is no PHC string"))?;
    let work = match phc.algorithm.as_str() {
        "argon2d" => argon2_work(&phc, Algorithm::Argon2d),
        "argon2i" => argon2_work(&phc, Algorithm::Argon2i),
        "argon2id" => argon2_work(&phc, Algorithm::Argon2id),
        "pbkdf2-sha256" => pbkdf2_work(Digest::Sha256, parameters(&phc, ["i"], Some("l"))?[0]),
        "pbkdf2-sha512" => pbkdf2_work(Digest::Sha512, parameters(&phc, ["i"], Some("l"))?[0]),
        "scrypt" => scrypt_work(&phc),
        _ => return Err(HashError::Unknown),
    }?;
    let versioned = matches!(work.lane, Lane::Argon2 { .. });
    if phc.salt.is_some() || (phc.version.is_some() && !versioned) {
        return Err(HashError::Damaged("there is too much of it"));
    }
    Ok(work)
}

fn argon2_work(phc: &Phc, algorithm: Algorithm) -> Result<Work, HashError> {
    const WRONG: HashError = HashError::Damaged("memory, iterations and parallelism do not fit");
    let [Some(memory_kib), Some(iterations), Some(parallelism)] =
        parameters(phc, ["m", "t", "p"], None)?
    else {
        return Err(WRONG);
    };
    // The bounds that the algorithm itself has.
    Params::new(memory_kib, iterations, parallelism, None).map_err(|_| WRONG)?;
    // Version 16 did not write itself down.
    let version = phc.version.unwrap_or(Version::V0x10.into());
    let version = Version::try_from(version);
    Ok(Work {
        lane: Lane::Argon2 {
            algorithm,
            version: version.map_err(|_| HashError::Damaged("the version is none"))?,
            memory_kib,
            parallelism,
        },
        rounds: iterations,
    })
}

fn scrypt_work(phc: &Phc) -> Result<Work, HashError> {
    const WRONG: HashError = HashError::Damaged("`ln`, `r` and `p` do not fit");
    let [Some(log_n), Some(block_size), Some(rounds)] = parameters(phc, ["ln", "r", "p"], None)?
    else {
        return Err(WRONG);
    };
    let log_n = u8::try_from(log_n).map_err(|_| WRONG)?;
    // The library multiplies the two before it looks at them (RFC 7914 §6: below 2^30).
    let product = block_size.checked_mul(rounds);
    if log_n == 0 || product.is_none_or(|product| product >= 1 << 30) {
        return Err(WRONG);
    }
    scrypt::Params::new(log_n, block_size, rounds).map_err(|_| WRONG)?;
    Ok(Work {
        lane: Lane::Scrypt { log_n, block_size },
        rounds,
    })
}

/// The parameters of these names. Beside them there may be one more, and no other.
fn parameters<const N: usize>(
    phc: &Phc,
    names: [&str; N],
    beside: Option<&str>,
) -> Result<[Option<u32>; N], HashError> {
    let values = names.map(|name| phc.params.get_decimal(name));
    let known = values
        .into_iter()
        .chain(beside.map(|name| phc.params.get_decimal(name)));
    // One that is there twice, is unknown or is no number makes the counts differ.
    if known.flatten().count() == phc.params.iter().count() {
        Ok(values)
    } else {
        Err(HashError::Damaged("a parameter is not known"))
    }
}

/// A number as programs write it.
fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(text: &str) -> Result<Work, HashError> {
        text.parse()
    }

    #[test]
    fn every_form_tells_its_cost() {
        for (text, lane, rounds) in [
            ("$2b$12", "bcrypt", 4096),
            ("$2y$04", "bcrypt", 16),
            ("pbkdf2_sha256$600000", "pbkdf2-sha256", 600_000),
            ("$pbkdf2-sha512$i=210000,l=64", "pbkdf2-sha512", 210_000),
            ("$pbkdf2-sha256$29000", "pbkdf2-sha256", 29_000),
            ("$scrypt$ln=16,r=8,p=2", "scrypt ln=16 r=8", 2),
            (
                "$argon2id$v=19$m=19456,t=2,p=1",
                "argon2id v=19 m=19456 p=1",
                2,
            ),
            ("$argon2i$m=256,t=3,p=4", "argon2i v=16 m=256 p=4", 3),
        ] {
            let work = work(text).unwrap();
            assert_eq!(
                (work.lane.to_string().as_str(), work.rounds),
                (lane, rounds)
            );
            work.require_affordable().unwrap();
        }
    }

    #[test]
    fn what_is_no_cost_is_told() {
        for text in [
            "",
            "hash",
            "$1",
            "$2x$12",
            "$2$12",
            "$6$rounds=5000",
            "md5$1",
        ] {
            assert_eq!(work(text), Err(HashError::Unknown), "{text}");
        }
        for text in [
            "$2b$3",
            "$2b$+4",
            "$2b$03",
            "$2b$32",
            "$2b$99",
            "pbkdf2_sha256$0",
            "pbkdf2_sha256$+5",
            "pbkdf2_sha256$007",
            "pbkdf2_sha256$4294967296",
            "$pbkdf2-sha256$i=5,i=6",
            "$pbkdf2-sha256$l=32",
            "$pbkdf2-sha256$v=19$i=5",
            "$scrypt$ln=16,r=8",
            "$scrypt$ln=0,r=8,p=1",
            "$scrypt$ln=64,r=8,p=1",
            "$scrypt$ln=300,r=8,p=1",
            "$scrypt$ln=16,r=65536,p=65536",
            "$scrypt$ln=16,r=4294967295,p=4294967295",
            "$argon2id$v=18$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=0,p=1",
            "$argon2id$v=19$m=4,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAA",
            "$argon2id$v=19$m=19456,t=2,p=x",
        ] {
            let wrong = work(text);
            assert!(
                matches!(wrong, Err(HashError::Damaged(_))),
                "{text}: {wrong:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", form in 0..8_usize, rest in "[$=,a-z0-9]{0,40}") {
            let forms = [
                "$2b$", "pbkdf2_sha256$", "$pbkdf2-sha512$i=", "$scrypt$ln=", "$argon2id$v=19$m=",
                "$argon2d$", "$pbkdf2-sha256$", "$2y",
            ];
            for text in [text, format!("{}{rest}", forms[form])] {
                let _ = work(&text).and_then(Work::require_affordable);
            }
        }
    }
}
