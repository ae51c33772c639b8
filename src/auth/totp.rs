//! One-time codes by time (RFC 6238): SHA-1, six digits, thirty seconds, one step of slack on either side, which is what
//! every authenticator app understands.

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text::percent_encoded;
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRBuilder;
use totp_rs::{Builder, Totp};

/// 160 bits, as RFC 4226 advises.
const SECRET_BYTES: usize = 20;
const ISSUER: &str = "gpt-assistant";

/// A new secret in base32.
pub fn new_secret() -> Result<Secret> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Secret::new(totp_rs::Secret::from(bytes.to_vec()).to_base32()))
}

/// The step that `code` is of, if it is one of now.
pub fn step(secret: &Secret, code: &str, now: i64) -> Option<i64> {
    let plain: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let six_digits = plain.len() == 6 && plain.bytes().all(|b| b.is_ascii_digit());
    let now = u64::try_from(now).ok().filter(|_| six_digits)?;
    totp(secret)?.check(&plain, now).and_then(|step| i64::try_from(step).ok())
}

/// What an authenticator app reads (Key URI format).
pub fn uri(secret: &Secret, email: &str) -> String {
    let label = percent_encoded(email.as_bytes(), b"-._@");
    format!("otpauth://totp/{ISSUER}:{label}?secret={}&issuer={ISSUER}", secret.reveal())
}

/// The address as a picture (SVG) that a phone can read.
pub fn qr(uri: &str) -> Result<String> {
    let code = QRBuilder::new(uri).build().map_err(|_| Error::internal("the QR code is too long"))?;
    Ok(SvgBuilder::default().margin(2).to_str(&code))
}

fn totp(secret: &Secret) -> Option<Totp> {
    let secret = totp_rs::Secret::try_from_base32(secret.reveal()).ok()?;
    Builder::new().with_secret(secret).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1, the last six digits.
    #[test]
    fn the_vectors_of_the_rfc() {
        let secret = Secret::new(totp_rs::Secret::from(b"12345678901234567890".to_vec()).to_base32());
        for (time, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(step(&secret, code, time), Some(time / 30), "{time}");
            assert_eq!(step(&secret, code, time + 30), Some(time / 30), "a step late");
            assert_eq!(step(&secret, code, time + 90), None);
            assert_eq!(step(&secret, &format!("{} {}", &code[..3], &code[3..]), time), Some(time / 30));
        }
        for bad in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(step(&secret, bad, 59), None);
        }
    }

    #[test]
    fn the_address_and_its_picture() {
        let secret = new_secret().unwrap();
        assert_eq!(secret.reveal().len(), 32);
        let uri = uri(&secret, "a+b@c.co");
        assert!(uri.starts_with("otpauth://totp/gpt-assistant:a%2Bb@c.co?secret="));
        let svg = qr(&uri).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("script"));
    }
}
