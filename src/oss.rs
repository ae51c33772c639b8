//! Aliyun OSS: signed forms (PostObject) for uploads straight from the browser, and our own upload by the same form.
//! <https://help.aliyun.com/zh/oss/developer-reference/signature-version-4-recommend>

use crate::config::{BaseUrl, Oss as Settings, OssSignature};
use crate::error::{Result, UpstreamError, UpstreamKind};
use crate::model::UserId;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as B64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;
use std::time::Duration;

/// Largest upload in bytes.
pub const MAX_SIZE: u64 = 10 << 20;
/// Seconds that a signed form is good for.
const LIFE: i64 = 600;
const UPLOAD: Duration = Duration::from_secs(20);
/// Of an answer that says why.
const LONGEST_REFUSAL: u64 = 64 << 10;
const VERSION: &str = "OSS4-HMAC-SHA256";

/// The kinds of pictures that may be uploaded, each with the ending of its key.
pub const TYPES: [(&str, &str); 4] =
    [("image/png", "png"), ("image/jpeg", "jpg"), ("image/webp", "webp"), ("image/gif", "gif")];

/// The configured bucket.
pub struct Oss {
    settings: Settings,
    endpoint: String,
    host: String,
}

/// A form that may be posted once, to the key it names.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// Where to post it.
    pub host: String,
    /// The object's name.
    pub key: String,
    /// The policy, base64.
    pub policy: String,
    /// Over the policy.
    pub signature: String,
    /// Whose signature.
    pub access_key_id: String,
    /// Unix seconds.
    pub expire: i64,
    /// Of temporary credentials.
    pub security_token: Option<String>,
    /// With V4: credential and date.
    pub v4: Option<(String, String)>,
}

impl Oss {
    /// `None` without bucket and credentials.
    pub fn new(settings: &Settings) -> Option<Oss> {
        if !settings.is_on() {
            return None;
        }
        let usual = format!("https://{}.oss-{}.aliyuncs.com", settings.bucket, settings.region);
        let endpoint = settings.endpoint.as_ref().map_or(usual, BaseUrl::to_string);
        let host = settings.host.as_ref().map_or_else(|| endpoint.clone(), BaseUrl::to_string);
        Some(Oss { settings: settings.clone(), endpoint, host })
    }

    /// The origins of uploads and of pictures, for the page's content security policy.
    pub fn origins(&self) -> [&str; 2] {
        let origin = |url: &'_ str| {
            let from = url.find("://").map_or(0, |i| i + 3);
            url[from..].find('/').map_or(url.len(), |i| from + i)
        };
        [&self.endpoint[..origin(&self.endpoint)], &self.host[..origin(&self.host)]]
    }

    /// The address of an object.
    pub fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.host)
    }

    /// The key in `url`, if it is one that was signed for `user`.
    pub fn key_of<'a>(&self, url: &'a str, user: UserId) -> Option<&'a str> {
        let key =
            url.strip_prefix(&self.host).or_else(|| url.strip_prefix(&self.endpoint))?.strip_prefix('/')?;
        let (name, ending) = key.strip_prefix("avatars/")?.rsplit_once('.')?;
        let random = name.strip_prefix(&format!("{}_", user.0))?;
        let is_hex =
            random.len() == 32 && random.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (is_hex && TYPES.iter().any(|(_, known)| *known == ending)).then_some(key)
    }

    /// A form for one picture of `user`; `ending` is that of `TYPES`, `random` 32 hexadecimal digits.
    pub fn form(&self, user: UserId, ending: &str, random: &str, now: i64) -> Form {
        let key = format!("avatars/{}_{random}.{ending}", user.0);
        let expire = now + LIFE;
        let (day, second) = (utc(now, "%Y%m%d"), utc(now, "%Y%m%dT%H%M%SZ"));
        let credential =
            format!("{}/{day}/{}/oss/aliyun_v4_request", self.settings.access_key_id, self.settings.region);
        let v4 = (self.settings.signature == OssSignature::V4).then_some((credential, second));
        let token = Some(self.settings.security_token.reveal()).filter(|t| !t.is_empty());
        let conditions = self.conditions(&key, v4.as_ref(), token);
        let policy = json!({"expiration": utc(expire, "%Y-%m-%dT%H:%M:%S.000Z"), "conditions": conditions})
            .to_string();
        let policy = B64.encode(policy);
        let secret = self.settings.access_key_secret.reveal();
        let signature = match &v4 {
            Some(_) => sign_v4(secret, &day, &self.settings.region, &policy),
            None => sign_v1(secret, &policy),
        };
        Form {
            host: self.endpoint.clone(),
            key,
            policy,
            signature,
            access_key_id: self.settings.access_key_id.clone(),
            expire,
            security_token: token.map(str::to_owned),
            v4,
        }
    }

    fn conditions(&self, key: &str, v4: Option<&(String, String)>, token: Option<&str>) -> Vec<Value> {
        let mut conditions = vec![json!({"bucket": self.settings.bucket})];
        if let Some((credential, date)) = v4 {
            conditions.push(json!({"x-oss-signature-version": VERSION}));
            conditions.push(json!({"x-oss-credential": credential}));
            conditions.push(json!({"x-oss-date": date}));
        }
        if let Some(token) = token {
            conditions.push(json!({"x-oss-security-token": token}));
        }
        let types: Vec<&str> = TYPES.iter().map(|(mime, _)| *mime).collect();
        conditions.extend([
            json!(["eq", "$key", key]),
            json!(["content-length-range", 1, MAX_SIZE]),
            json!(["in", "$content-type", types]),
            json!(["eq", "$success_action_status", "200"]),
        ]);
        conditions
    }

    /// Posts a PNG by a form of our own and returns its address. Blocks for some seconds at most.
    pub fn upload(&self, user: UserId, random: &str, png: &[u8], now: i64) -> Result<String> {
        let form = self.form(user, "png", random, now);
        match post(&form, random, png) {
            Ok(response) if response.status() == 200 => Ok(self.url(&form.key)),
            outcome => {
                let cause = outcome.map_or_else(|e| e.to_string(), |response| response.status().to_string());
                tracing::warn!(cause, "the picture could not be put into the bucket");
                let sentence = "The picture could not be put into the bucket.";
                Err(UpstreamError::new(UpstreamKind::Storage, sentence).into())
            }
        }
    }

    /// Posts an empty picture, which the policy forbids: the bucket says so once it has taken the signature, and stores
    /// nothing. Blocks for some seconds at most.
    pub fn trial(&self, now: i64) -> Trial {
        let nobody = "0".repeat(32);
        let mut response = match post(&self.form(UserId(0), "png", &nobody, now), &nobody, b"") {
            Ok(response) => response,
            Err(e) => return Trial::Unreachable(e.to_string()),
        };
        let body = response.body_mut().with_config().limit(LONGEST_REFUSAL).read_to_vec().unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        match code.map(|(code, _)| code).filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric())) {
            Some("EntityTooSmall") => Trial::Accepted,
            Some(code) => Trial::Refused(code.to_owned()),
            None => Trial::Refused(format!("status {}", response.status().as_u16())),
        }
    }
}

/// How a trial came out.
#[derive(Debug, PartialEq, Eq)]
pub enum Trial {
    /// Signature and policy are good.
    Accepted,
    /// The bucket's word for what is wrong.
    Refused(String),
    /// With the cause.
    Unreachable(String),
}

fn post(
    form: &Form,
    random: &str,
    file: &[u8],
) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let boundary = format!("gpt-assistant-{random}");
    let body = multipart(&form.fields("image/png"), file, &boundary);
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(UPLOAD))
        .max_redirects(0)
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .new_agent();
    agent
        .post(&form.host)
        .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
        .send(&body[..])
}

impl Form {
    /// The form's fields in order; the file comes after them.
    pub fn fields(&self, content_type: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![("key", self.key.clone()), ("policy", self.policy.clone())];
        match &self.v4 {
            Some((credential, date)) => fields.extend([
                ("x-oss-signature-version", VERSION.to_owned()),
                ("x-oss-credential", credential.clone()),
                ("x-oss-date", date.clone()),
                ("x-oss-signature", self.signature.clone()),
            ]),
            None => fields.extend([
                ("OSSAccessKeyId", self.access_key_id.clone()),
                ("Signature", self.signature.clone()),
            ]),
        }
        fields.push(("success_action_status", "200".to_owned()));
        fields.push(("x-oss-content-type", content_type.to_owned()));
        fields.extend(self.security_token.clone().map(|token| ("x-oss-security-token", token)));
        fields
    }

    /// The name of the signature's version, with V4.
    pub fn version(&self) -> Option<&'static str> {
        self.v4.as_ref().map(|_| VERSION)
    }
}

fn multipart(fields: &[(&str, String)], file: &[u8], boundary: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(file.len() + 4096);
    for (name, value) in fields {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"avatar.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

fn utc(seconds: i64, format: &str) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime(format).to_string()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes a key of any length, so there is no error to lose.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The policy is signed in base64, byte for byte as it is sent.
fn sign_v4(secret: &str, day: &str, region: &str, policy: &str) -> String {
    let key = mac(format!("aliyun_v4{secret}").as_bytes(), day);
    let key = [region, "oss", "aliyun_v4_request"].iter().fold(key, |key, part| mac(&key, part));
    mac(&key, policy).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign_v1(secret: &str, policy: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(policy.as_bytes());
    B64.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const SECRET: &str = "EXAMPLESECRET0123456789abcdefGH";
    const RANDOM: &str = "0123456789abcdef0123456789abcdef";
    /// 2024-06-20 05:23:20 UTC.
    const NOW: i64 = 1_718_861_000;

    fn oss(signature: OssSignature) -> Oss {
        Oss::new(&Settings {
            access_key_id: "LTAI5tEXAMPLEKEYID0000".into(),
            access_key_secret: Secret::new(SECRET),
            bucket: "your-bucket".into(),
            region: "cn-hangzhou".into(),
            signature,
            ..Settings::default()
        })
        .unwrap()
    }

    /// Made with the official SDK ali-oss 6.23.0 (calculatePostSignature, signPostObjectPolicyV4).
    #[test]
    fn u15_the_official_signatures() {
        let (head, tail) = (
            r#"{"expiration":"2024-06-20T05:33:20.000Z","conditions":[{"bucket":"your-bucket"},"#,
            r#"["eq","$key","avatars/1_0123456789abcdef.png"],["content-length-range",1,10485760],["in","$content-type",["image/png","image/jpeg","image/webp","image/gif"]],["eq","$success_action_status","200"]]}"#,
        );
        let v4 = r#"{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"LTAI5tEXAMPLEKEYID0000/20240620/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20240620T052320Z"},"#;
        assert_eq!(sign_v1(SECRET, &B64.encode(format!("{head}{tail}"))), "1Kb+ED+TBc3lqfGqhBRh6+dLeRA=");
        assert_eq!(
            sign_v4(SECRET, "20240620", "cn-hangzhou", &B64.encode(format!("{head}{v4}{tail}"))),
            "2bf1653c4882e7b0fe62b23fa049c939257a73bfbab87c641d1a2ad8fc0b0e09"
        );
    }

    #[test]
    fn u15_the_policy_allows_one_key_of_one_size_and_kind() {
        for (signature, version) in [(OssSignature::V1, None), (OssSignature::V4, Some(VERSION))] {
            let form = oss(signature).form(UserId(7), "jpg", RANDOM, NOW);
            let policy: Value = serde_json::from_slice(&B64.decode(&form.policy).unwrap()).unwrap();
            let conditions = policy["conditions"].as_array().unwrap();
            assert_eq!(policy["expiration"], "2024-06-20T05:33:20.000Z");
            assert_eq!(form.expire, NOW + 600);
            assert_eq!(form.key, format!("avatars/7_{RANDOM}.jpg"));
            assert!(conditions.contains(&json!(["eq", "$key", form.key])));
            assert!(conditions.contains(&json!(["content-length-range", 1, 10_485_760])));
            assert_eq!(form.version(), version);
            assert_eq!(conditions.len(), if version.is_some() { 8 } else { 5 });
            assert!(!format!("{form:?}").contains(SECRET));
        }
    }

    #[test]
    fn u12_only_what_was_signed_for_the_user() {
        let oss = oss(OssSignature::V4);
        let host = "https://your-bucket.oss-cn-hangzhou.aliyuncs.com";
        let good = format!("{host}/avatars/7_{RANDOM}.png");
        assert!(oss.key_of(&good, UserId(7)).is_some());
        for bad in [
            good.replace("7_", "8_"),
            good.replace("avatars/", "avatars/../avatars/"),
            good.replace("your-bucket", "other"),
            good.replace(".png", ".svg"),
            good.replace("https", "http"),
            good.replace("0123", "0123/"),
            format!("{good}?x=1"),
            format!("{good}#x"),
            format!("{host}.evil.example/avatars/7_{RANDOM}.png"),
            format!("{host}@evil/avatars/7_{RANDOM}.png"),
            "javascript:alert(1)".into(),
            String::new(),
        ] {
            assert_eq!(oss.key_of(&bad, UserId(7)), None, "{bad}");
        }
    }

    #[test]
    fn an_upload_ends_with_its_file() {
        let form = oss(OssSignature::V4).form(UserId(7), "png", RANDOM, NOW);
        let body = multipart(&form.fields("image/png"), b"\x89PNG", "b");
        let text = String::from_utf8_lossy(&body);
        assert!(
            text.contains("name=\"x-oss-signature\"")
                && text.contains("name=\"success_action_status\"\r\n\r\n200")
        );
        assert!(text.ends_with("Content-Type: image/png\r\n\r\n\u{FFFD}PNG\r\n--b--\r\n"));
    }
}
