//! Login tokens: JWT, HS256 alone (RFC 7519, RFC 8725). A token is only half of a login: its `jti` must
//! also be a row of `sessions`, which is what makes it revocable.

use super::hs256;
use crate::clock::Clock;
use crate::model::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "gpt-assistant";
/// Clocks of one server do not differ; this covers a step back by NTP.
const LEEWAY: i64 = 5;
/// Longer ones are not looked at: ours have about 300 bytes.
const LONGEST: usize = 1024;

/// Signs and checks tokens with one key.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// Ours, encoded, with its dot. A token with any other header (`alg`, `kid`, `jku`, `crit`, …) is refused unread.
    header: String,
    clock: Clock,
}

/// What a good token says.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// Whose it is.
    pub user: UserId,
    /// The session it belongs to.
    pub session: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl Tokens {
    /// `key` is 32 secret bytes.
    pub fn new(key: &[u8; 32], clock: Clock) -> Tokens {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "sub", "iss", "aud"]);
        // Times are checked below, by our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut tokens = Tokens {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
            header: String::new(),
            clock,
        };
        let sample = tokens.issue(UserId(0), "", 0);
        tokens.header = sample.split_inclusive('.').next().unwrap_or_default().to_owned();
        tokens
    }

    /// A token for `session`, good for `ttl` seconds from now.
    pub fn issue(&self, user: UserId, session: &str, ttl: i64) -> String {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: user.0.to_string(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(ttl),
            jti: session.into(),
        };
        // Signing with a key in memory cannot fail; an empty token is one that nobody accepts.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).unwrap_or_default()
    }

    /// `None` for whatever is not a token of ours that is good now.
    pub fn verify(&self, token: &str) -> Option<Login> {
        if token.len() > LONGEST || !token.starts_with(&self.header) || self.header.is_empty() {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        let now = self.clock.now();
        if claims.exp <= now || claims.nbf > now.saturating_add(LEEWAY) {
            return None;
        }
        let user = claims.sub.parse().ok().filter(|id: &i64| id.to_string() == claims.sub)?;
        Some(Login { user: UserId(user), session: claims.jti })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
    use hmac::{Hmac, KeyInit, Mac};
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    const KEY: [u8; 32] = [7; 32];
    const NOW: i64 = 1_800_000_000;

    fn tokens() -> Tokens {
        Tokens::new(&KEY, Clock::set_by(Arc::new(AtomicI64::new(NOW))))
    }

    fn forge(header: &str, claims: &str, key: &[u8]) -> String {
        let body = format!("{}.{}", B64.encode(header), B64.encode(claims));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
        mac.update(body.as_bytes());
        format!("{body}.{}", B64.encode(mac.finalize().into_bytes()))
    }

    fn claims(change: (&str, &str)) -> String {
        let fields = [
            ("iss", "\"gpt-assistant\"".to_owned()),
            ("aud", "\"gpt-assistant\"".to_owned()),
            ("sub", "\"1\"".to_owned()),
            ("iat", NOW.to_string()),
            ("nbf", NOW.to_string()),
            ("exp", (NOW + 60).to_string()),
            ("jti", "\"s\"".to_owned()),
        ];
        let fields: Vec<String> = fields
            .iter()
            .map(|(k, v)| (*k, if *k == change.0 { change.1 } else { v }))
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| format!("\"{k}\":{v}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    }

    const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

    #[test]
    fn round_trip() {
        let tokens = tokens();
        let token = tokens.issue(UserId(42), "abc", 60);
        assert_eq!(tokens.verify(&token), Some(Login { user: UserId(42), session: "abc".into() }));
        assert!(tokens.verify(&forge(HEADER, &claims(("", "")), &KEY)).is_some(), "the forge itself is good");
    }

    #[test]
    fn a1_a3_other_headers() {
        for header in [
            r#"{"typ":"JWT","alg":"none"}"#,
            r#"{"typ":"JWT","alg":"nOnE"}"#,
            r#"{"typ":"JWT","alg":"HS384"}"#,
            r#"{"typ":"JWT","alg":"RS256"}"#,
            r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#,
            r#"{"typ":"JWT","alg":"HS256","jku":"http://evil"}"#,
            r#"{"typ":"JWT","alg":"HS256","crit":["b64"],"b64":false}"#,
            r#"{"typ":"at+jwt","alg":"HS256"}"#,
            r#"{"alg":"HS256"}"#,
            "{}",
            "",
        ] {
            let token = forge(header, &claims(("", "")), &KEY);
            assert!(tokens().verify(&token).is_none(), "{header}");
            let unsigned = token.rsplit_once('.').unwrap().0;
            assert!(
                tokens().verify(&format!("{unsigned}.")).is_none() && tokens().verify(unsigned).is_none()
            );
        }
    }

    #[test]
    fn a2_other_keys() {
        for key in [&b""[..], b"secret", b"123456", b"gpt-assistant", &[0; 32], &[7; 31], &[7; 33]] {
            assert!(tokens().verify(&forge(HEADER, &claims(("", "")), key)).is_none(), "{key:?}");
        }
    }

    #[test]
    fn a4_a5_a6_other_claims() {
        let (past, future) = ((NOW - 1).to_string(), (NOW + 3600).to_string());
        for change in [
            ("exp", past.as_str()),
            ("exp", ""),
            ("exp", "\"9999999999\""),
            ("exp", "9999999999.5"),
            ("exp", "-1"),
            ("exp", "1e300"),
            ("exp", "null"),
            ("nbf", future.as_str()),
            ("nbf", "\"0\""),
            ("nbf", ""),
            ("sub", "1"),
            ("sub", "\"1 OR 1=1\""),
            ("sub", "\"1.0\""),
            ("sub", "\"+1\""),
            ("sub", "[]"),
            ("sub", "\"9223372036854775808\""),
            ("sub", ""),
            ("iss", "\"other\""),
            ("iss", ""),
            ("aud", "\"other\""),
            ("aud", ""),
            ("jti", ""),
            ("jti", "1,\"more\":1"),
        ] {
            assert!(tokens().verify(&forge(HEADER, &claims(change), &KEY)).is_none(), "{change:?}");
        }
    }

    #[test]
    fn a7_a8_other_spellings() {
        let token = tokens().issue(UserId(1), "s", 60);
        let mut flipped = token.clone();
        let last = if flipped.pop() == Some('A') { 'B' } else { 'A' };
        flipped.push(last);
        for bad in [
            format!("{token}."),
            format!("{token}="),
            format!(" {token}"),
            format!("{token} "),
            format!("{token}.x"),
            flipped,
            token.replace('.', ".."),
            "x".repeat(1 << 20),
            String::new(),
        ] {
            assert!(tokens().verify(&bad).is_none());
        }
        let (body, signature) = token.rsplit_once('.').unwrap();
        for i in 0..signature.len() {
            let mut edited = signature.as_bytes().to_vec();
            edited[i] = if edited[i] == b'x' { b'y' } else { b'x' };
            assert!(tokens().verify(&format!("{body}.{}", String::from_utf8(edited).unwrap())).is_none());
        }
    }
}
