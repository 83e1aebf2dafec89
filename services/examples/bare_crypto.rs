//! What the cryptography of a sign-in costs by itself, on one thread: what the server is measured
//! against. `bare_crypto sign SECONDS` prints Ed25519 signatures a second, and
//! `bare_crypto argon2 SECONDS MEMORY_KIB PASSES` checks of a password.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use tokio::time::Instant;

/// As long as the salts of the program.
const SALT: &[u8; 16] = b"sixteen bytes ok";
/// About as long as the part of an access token that is signed.
const MESSAGE_BYTES: usize = 900;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().context("what?")?;
    let seconds: f64 = arguments.next().context("for how long?")?.parse()?;
    let rate = match what.as_str() {
        "sign" => signatures(Duration::from_secs_f64(seconds))?,
        "argon2" => {
            let mut number = || {
                arguments
                    .next()
                    .context("how much memory, how many passes?")
            };
            let (memory_kib, passes) = (number()?.parse()?, number()?.parse()?);
            checks(Duration::from_secs_f64(seconds), memory_kib, passes)?
        }
        _ => bail!("`sign` and `argon2` are all there is"),
    };
    println!("{rate}");
    Ok(())
}

fn checks(time: Duration, memory_kib: u32, passes: u32) -> Result<f64> {
    let params = Params::new(memory_kib, passes, 1, None).map_err(anyhow::Error::msg)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; 32];
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        argon2
            .hash_password_into(b"a long and boring password", SALT, &mut out)
            .map_err(anyhow::Error::msg)?;
        black_box(&out);
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

fn signatures(time: Duration) -> Result<f64> {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
    let key = Ed25519KeyPair::from_pkcs8(key.as_ref())?;
    let message = vec![b'x'; MESSAGE_BYTES];
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        for _ in 0..100 {
            black_box(key.sign(black_box(&message)));
        }
        count += 100;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
