//! Passwords: argon2id with OWASP's parameters (19 MiB, two passes, one lane), as many at a time as there
//! are cores. One hash costs about 15 ms and 19 MiB, so who comes in a crowd is turned away, not queued for long.

use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::secret::Secret;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// Longest password in bytes; a longer one is refused before it costs anything.
pub const LONGEST: usize = 1024;
/// How many may wait for a core. At 15 ms a hash that is a quarter of a second on one core.
const QUEUE: usize = 16;

/// Hashes and checks passwords.
pub struct Passwords {
    argon: Argon2<'static>,
    gate: Gate,
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
        })
    }

    /// A hash to keep (PHC string), with a salt of its own.
    pub fn hash(&self, password: &Secret) -> Result<String> {
        let _pass = self.gate.enter()?;
        let hash = self.argon.hash_password(password.reveal().as_bytes()).map_err(Error::internal)?;
        Ok(hash.to_string())
    }

    /// Compares with a kept hash; with `None` it takes the same time and is wrong.
    pub fn check(&self, password: &Secret, kept: Option<&str>) -> Result<Check> {
        if password.reveal().len() > LONGEST {
            return Ok(Check::Wrong);
        }
        let hash = PasswordHash::new(kept.unwrap_or(NOBODY)).map_err(Error::internal)?;
        let pass = self.gate.enter()?;
        let right = self.argon.verify_password(password.reveal().as_bytes(), &hash).is_ok() && kept.is_some();
        drop(pass);
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
