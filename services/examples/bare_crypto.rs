//! What the cryptography of a sign-in costs by itself, on one thread: what the server is measured
//! against. `bare_crypto sign SECONDS` prints Ed25519 signatures a second.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use tokio::time::Instant;

/// About as long as the part of an access token that is signed.
const MESSAGE_BYTES: usize = 900;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().context("what?")?;
    let seconds: f64 = arguments.next().context("for how long?")?.parse()?;
    let rate = match what.as_str() {
        "sign" => signatures(Duration::from_secs_f64(seconds))?,
        _ => bail!("`sign` is all there is"),
    };
    println!("{rate}");
    Ok(())
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
