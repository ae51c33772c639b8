//! The server's own certificate: read from PEM files, checked, and told how long it is good.

use crate::config;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// HTTP/2 in the words of ALPN (RFC 7301, 6).
pub const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// What connections are encrypted with.
#[derive(Clone)]
pub struct Identity {
    /// Certificate, key and protocols.
    pub server: Arc<ServerConfig>,
    /// Unix seconds until which the certificate is good, where it says so in a form we know.
    pub expires: Option<i64>,
}

/// Reads the files; `None` where none are configured. The fault is a sentence that names the key and the file.
pub fn read(files: &config::Tls) -> Result<Option<Identity>, String> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else {
        return Ok(None);
    };
    let chain = certificates(certificate)?;
    let expires = chain.first().and_then(|leaf| not_after(leaf));
    let private = PrivateKeyDer::from_pem_slice(&bytes("tls.key", key)?)
        .map_err(|e| format!("tls.key {}: holds no private key ({e})", key.display()))?;
    let fault = |e: rustls::Error| {
        format!("tls.certificate {} and tls.key {}: {e}", certificate.display(), key.display())
    };
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(fault)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(fault)?;
    server.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    Ok(Some(Identity { server: Arc::new(server), expires }))
}

fn bytes(key: &str, path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{key} {}: {e}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = bytes("tls.certificate", path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = found.map_err(|e| format!("tls.certificate {}: {e}", path.display()))?;
    if chain.is_empty() {
        return Err(format!("tls.certificate {}: holds no certificate", path.display()));
    }
    Ok(chain)
}

/// The end of a certificate's validity (RFC 5280, 4.1): SEQUENCE { SEQUENCE { [0] version?, serial, algorithm, issuer,
/// SEQUENCE { from, until } … } … }.
fn not_after(certificate: &[u8]) -> Option<i64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let inside = |element: (u8, &'_ [u8])| (element.0 == SEQUENCE).then_some(element.1.to_vec());
    let body = inside(element(&mut &*inside(element(&mut &*certificate)?)?)?)?;
    let mut rest = &body[..];
    let first = element(&mut rest)?;
    // The serial number, where a version stood before it; then algorithm and issuer.
    (0..if first.0 == VERSION { 3 } else { 2 }).try_for_each(|_| element(&mut rest).map(drop))?;
    let validity = inside(element(&mut rest)?)?;
    let mut rest = &validity[..];
    element(&mut rest)?;
    let (tag, text) = element(&mut rest)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// Takes the next element off `rest`: its tag and what is in it (X.690, 8.1).
fn element<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, short], behind) = rest.split_first_chunk::<2>()?;
    let (length, behind) = if short < 0x80 {
        (usize::from(short), behind)
    } else {
        let (long, behind) = behind.split_at_checked(usize::from(short & 0x7f))?;
        if long.is_empty() || long.len() > 4 {
            return None;
        }
        (long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), behind)
    };
    let (inside, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some((tag, inside))
}

/// `YYMMDDHHMMSSZ`, of the years 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<i64> {
    let full = match (tag, text.get(..2)?) {
        (0x17, year) if year < "50" => format!("20{text}"),
        (0x17, _) => format!("19{text}"),
        _ => text.to_owned(),
    };
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", &full).ok()?;
    Some(at.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms() {
        let key = KeyPair::generate().unwrap();
        for (year, seconds) in [(2030, 1_893_456_000), (2049, 2_493_072_000), (2060, 2_840_140_800)] {
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_after = date_time_ymd(year, 1, 1);
            let made = params.self_signed(&key).unwrap();
            assert_eq!(not_after(made.der()), Some(seconds), "{year}");
            // Whatever is cut off or changed is no time, and no panic.
            for at in 0..made.der().len() {
                let _ = not_after(&made.der()[..at]);
                let mut changed = made.der().to_vec();
                changed[at] = !changed[at];
                let _ = not_after(&changed);
            }
        }
    }
}
