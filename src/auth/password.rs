//! Passwords: argon2id with OWASP's parameters (19 MiB, two passes, one lane), as many at a time as there
//! are cores. One hash costs about 15 ms and 19 MiB, so who comes in a crowd is turned away, not queued for long.

use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::secret::Secret;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{Mutex, PoisonError};

/// Longest password in bytes; a longer one is refused before it costs anything.
pub const LONGEST: usize = 1024;
/// How many may wait for a core. At 15 ms a hash that is a quarter of a second on one core.
const QUEUE: usize = 16;
/// Blocks to ask for, though most hashes use 19 MiB: glibc gives what is larger than 32 MiB back to the system as soon
/// as it is freed, and keeps what is smaller for each thread that ever had some (mallopt(3), `M_MMAP_THRESHOLD`). What
/// is not written to takes no memory.
const ROOM: usize = (33 << 20) / Block::SIZE;

/// Hashes and checks passwords.
pub struct Passwords {
    argon: Argon2<'static>,
    gate: Gate,
    /// What hashes are computed in, kept while any is: empty while all of it is in use, and when nobody is inside.
    memory: Mutex<Vec<Vec<Block>>>,
}

/// The outcome of a check.
#[derive(Debug, PartialEq, Eq)]
pub enum Check {
    /// It is not the password.
    Wrong,
    /// It is.
    Right,
    /// It is, and the kept hash has other parameters than new ones: here is a new one.
    Rehash(String),
}

/// Checked where there is no account, so that its absence cannot be told by the time. It is the hash of nothing: a test
/// holds its parameters to those of new hashes.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords {
    /// With as many places as there are cores.
    pub fn new() -> Result<Passwords> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(Error::internal)?;
        Ok(Passwords {
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            gate: Gate::new(std::thread::available_parallelism().map_or(1, usize::from), QUEUE),
            memory: Mutex::default(),
        })
    }

    /// A hash to keep (PHC string), with a salt of its own.
    pub fn hash(&self, password: &Secret) -> Result<String> {
        let (mut salt, mut out) = ([0; Salt::RECOMMENDED_LENGTH], [0; Params::DEFAULT_OUTPUT_LEN]);
        getrandom::fill(&mut salt).map_err(Error::internal)?;
        self.compute(&self.argon, password, &salt, &mut out)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(self.argon.params()).map_err(Error::internal)?,
            salt: Some(Salt::new(&salt).map_err(Error::internal)?),
            hash: Some(Output::new(&out).map_err(Error::internal)?),
        };
        Ok(hash.to_string())
    }

    /// Hashes, as many at a time as there are places, each in 19 MiB. In a crowd a piece goes from one to the next, which
    /// saves a tenth of the time; the last one out gives all of them back, so that a server at rest has none.
    fn compute(&self, argon: &Argon2<'_>, password: &Secret, salt: &[u8], out: &mut [u8]) -> Result<()> {
        let pieces = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let pass = self.gate.enter()?;
        let mut memory = pieces().pop().unwrap_or_else(|| Vec::with_capacity(ROOM));
        memory.resize(argon.params().block_count(), Block::default());
        let done = argon.hash_password_into_with_memory(password.reveal().as_bytes(), salt, out, &mut memory);
        pieces().push(memory);
        drop(pass);
        if self.gate.is_empty() {
            pieces().clear();
        }
        done.map_err(Error::internal)
    }

    /// True when `password` has that hash, whatever parameters it was made with.
    fn matches(&self, password: &Secret, hash: &PasswordHash) -> Result<bool> {
        let (Some(salt), Some(kept)) = (&hash.salt, &hash.hash) else {
            return Ok(false);
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(Error::internal)?;
        let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(Error::internal)?;
        let argon = Argon2::new(algorithm, version, Params::try_from(hash).map_err(Error::internal)?);
        let mut out = vec![0; kept.len()];
        self.compute(&argon, password, salt, &mut out)?;
        // The comparison of two outputs takes the same time wherever they differ.
        Ok(Output::new(&out).map_err(Error::internal)? == *kept)
    }

    /// Compares with a kept hash; with `None` it takes the same time and is wrong.
    pub fn check(&self, password: &Secret, kept: Option<&str>) -> Result<Check> {
        if password.reveal().len() > LONGEST {
            return Ok(Check::Wrong);
        }
        let hash = PasswordHash::new(kept.unwrap_or(NOBODY)).map_err(Error::internal)?;
        let right = self.matches(password, &hash)? && kept.is_some();
        if !right {
            return Ok(Check::Wrong);
        }
        let ours = self.has_our_parameters(&hash);
        if ours { Ok(Check::Right) } else { self.hash(password).map(Check::Rehash) }
    }

    fn has_our_parameters(&self, hash: &PasswordHash) -> bool {
        let own = self.argon.params();
        Params::try_from(hash).is_ok_and(|kept| {
            (kept.m_cost(), kept.t_cost(), kept.p_cost()) == (own.m_cost(), own.t_cost(), own.p_cost())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordHasher;

    #[test]
    fn a18_c13_only_the_exact_password() {
        let passwords = Passwords::new().unwrap();
        let x = "x".repeat(150);
        for (password, wrong) in [
            (x.as_str(), &x[..72]),
            (&"密码".repeat(30), &"密码".repeat(29)),
            (" blanks ", "blanks"),
            ("a\0b", "a"),
            ("e\u{301}", "é"),
        ] {
            let kept = passwords.hash(&Secret::new(password)).unwrap();
            let check = |p: &str| passwords.check(&Secret::new(p), Some(&kept)).unwrap();
            assert_eq!((check(password), check(wrong)), (Check::Right, Check::Wrong), "{password}");
            assert_eq!(check(&format!("{password}y")), Check::Wrong);
        }
    }

    #[test]
    fn a24_a_server_at_rest_has_no_memory_for_hashes() {
        let passwords = Passwords::new().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| passwords.check(&Secret::new("x"), None).unwrap());
            }
        });
        assert!(passwords.memory.lock().unwrap().is_empty());
    }

    #[test]
    fn a16_nobody_has_no_password_and_costs_the_same() {
        let passwords = Passwords::new().unwrap();
        for password in ["", "of nobody"] {
            assert_eq!(passwords.check(&Secret::new(password), None).unwrap(), Check::Wrong);
        }
        let real = passwords.hash(&Secret::new("x")).unwrap();
        assert!(passwords.has_our_parameters(&PasswordHash::new(NOBODY).unwrap()));
        assert_eq!(real.len(), NOBODY.len());
    }

    #[test]
    fn an_old_hash_is_renewed() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let kept = weak.hash_password(b"secret").unwrap().to_string();
        let passwords = Passwords::new().unwrap();
        let Check::Rehash(renewed) = passwords.check(&Secret::new("secret"), Some(&kept)).unwrap() else {
            panic!("not renewed");
        };
        assert_eq!(passwords.check(&Secret::new("secret"), Some(&renewed)).unwrap(), Check::Right);
    }
}
