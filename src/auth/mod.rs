//! Who somebody is: passwords (argon2) and logins (signed tokens).

mod hs256;
pub mod password;
pub mod token;
pub mod totp;
