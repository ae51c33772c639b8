//! The master key and what is made of it: keys for signing tokens, and sealed text (API keys at rest).
//!
//! The key is 32 random bytes in a file beside the database and in no backup unless asked for. A sealed text
//! is `version (1) | nonce (24) | XChaCha20-Poly1305 of the text`, bound to what it belongs to by the
//! associated data, so that one cannot be moved to another row.

use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as B64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The name of the key's file in the data folder.
pub const FILE: &str = "master.key";
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// The master key. It has no `Debug` and is wiped when dropped.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new one.
    pub fn generate() -> io::Result<MasterKey> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|e| io::Error::other(e.to_string()))?;
        Ok(MasterKey(bytes))
    }

    /// Reads it from the data folder; `None` where there is none.
    pub fn read(data_dir: &Path) -> io::Result<Option<MasterKey>> {
        let text = match std::fs::read_to_string(data_dir.join(FILE)) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let decoded = B64.decode(text.trim()).map(Zeroizing::new);
        let bytes = decoded.ok().and_then(|b| <[u8; 32]>::try_from(b.as_slice()).ok());
        let fault = || io::Error::new(io::ErrorKind::InvalidData, "it does not hold 32 bytes in base64");
        Ok(Some(MasterKey(Zeroizing::new(bytes.ok_or_else(fault)?))))
    }

    /// Writes it to the data folder: whole or not at all, readable by its owner alone.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        let draft = data_dir.join(format!("{FILE}.new"));
        // What was left there may be a link of whoever has the folder, to a file that root shall overwrite.
        match fs::remove_file(&draft) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(Zeroizing::new(B64.encode(*self.0)).as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, data_dir.join(FILE))?;
        File::open(data_dir)?.sync_all()
    }

    /// A key for one purpose, from which neither this one nor those of other purposes can be computed.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        // HMAC pads a key of 32 bytes with zeros to its block of 64 (RFC 2104); done here, it cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&*self.0);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        mac.update(purpose.as_bytes());
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Tells whether a database belongs to this key, and nothing else about it.
    pub fn check_value(&self) -> String {
        B64.encode(&self.derive("key check")[..16])
    }

    /// Seals `text` for what `belongs_to` names.
    pub fn seal(&self, text: &Secret, belongs_to: &str) -> io::Result<Vec<u8>> {
        let mut sealed = vec![VERSION; 1 + NONCE];
        getrandom::fill(&mut sealed[1..]).map_err(|e| io::Error::other(e.to_string()))?;
        let nonce = XNonce::try_from(&sealed[1..]).map_err(io::Error::other)?;
        let payload = Payload { msg: text.reveal().as_bytes(), aad: belongs_to.as_bytes() };
        let text = self.cipher().encrypt(&nonce, payload).map_err(|_| io::Error::other("cannot seal"))?;
        sealed.extend(text);
        Ok(sealed)
    }

    /// Opens what was sealed for the same; `None` when it was not, or was changed.
    pub fn open(&self, sealed: &[u8], belongs_to: &str) -> Option<Secret> {
        let (head, text) = sealed.split_at_checked(1 + NONCE)?;
        let nonce = XNonce::try_from(&head[1..]).ok()?;
        let payload = Payload { msg: text, aad: belongs_to.as_bytes() };
        let opened = (head[0] == VERSION).then(|| self.cipher().decrypt(&nonce, payload).ok())??;
        String::from_utf8(opened).ok().map(Secret::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.derive("seal")))
    }
}

/// `bytes` random bytes in hexadecimal: names and codes that nobody can guess.
pub fn random_hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|e| io::Error::other(e.to_string()))?;
    Ok(hex(&random))
}

/// Bytes as an address that holds them (RFC 2397).
pub fn data_url(mime: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{mime};base64,");
    B64.encode_string(bytes, &mut url);
    url
}

/// The content of such an address; `None` for any other.
pub fn from_data_url(url: &str) -> Option<Vec<u8>> {
    let (about, content) = url.strip_prefix("data:")?.split_once(',')?;
    about.ends_with(";base64").then(|| B64.decode(content).ok()).flatten()
}

/// SHA-256 of `text` in hexadecimal.
pub fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// SHA-256 of `text` in base64, as a page's policy names a script.
pub fn digest_base64(text: &[u8]) -> String {
    B64.encode(Sha256::digest(text))
}

/// SHA-256 of what comes in pieces.
#[derive(Clone, Default)]
pub struct Sum(Sha256);

impl Sum {
    /// Adds a piece.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all so far, in hexadecimal.
    pub fn digest(&self) -> String {
        hex(&self.0.clone().finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_seal_opens_only_for_its_owner_and_unchanged() {
        let (key, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let sealed = key.seal(&Secret::new("sk-1"), "user 1 https://a").unwrap();
        assert_eq!(key.open(&sealed, "user 1 https://a"), Some(Secret::new("sk-1")));
        assert_eq!(key.open(&sealed, "user 2 https://a"), None);
        assert_eq!(key.open(&sealed, "user 1 https://b"), None);
        assert_eq!(other.open(&sealed, "user 1 https://a"), None);
        assert_ne!(
            sealed,
            key.seal(&Secret::new("sk-1"), "user 1 https://a").unwrap(),
            "each has its own nonce"
        );
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert_eq!(key.open(&changed, "user 1 https://a"), None);
            assert_eq!(key.open(&sealed[..i], "user 1 https://a"), None);
        }
    }

    #[test]
    fn the_file_is_private_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        assert!(MasterKey::read(dir.path()).unwrap().is_none());
        let key = MasterKey::generate().unwrap();
        key.write(dir.path()).unwrap();
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(MasterKey::read(dir.path()).unwrap().unwrap().check_value(), key.check_value());
        std::fs::write(dir.path().join(FILE), "short").unwrap();
        assert!(MasterKey::read(dir.path()).is_err());
    }
}
