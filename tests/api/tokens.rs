//! Logins as forgers would make them. The foot of `auth/token.rs` goes through all spellings of a token; here each kind
//! meets the running server, where a good signature alone is not enough.

use crate::support::{Client, Server};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
use gpt_assistant::http::route::{Access, Verb};
use gpt_assistant::http::routes;
use gpt_assistant::keys::MasterKey;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// A token with that header and these claims, signed with `key`.
fn forge(header: &str, claims: &str, key: &[u8]) -> String {
    let body = format!("{}.{}", B64.encode(header), B64.encode(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(body.as_bytes());
    format!("{body}.{}", B64.encode(mac.finalize().into_bytes()))
}

/// The key that the server signs with.
fn key_of(server: &Server) -> Vec<u8> {
    let master = MasterKey::read(server.data_dir()).unwrap().expect("the server has a key");
    master.derive("login tokens").to_vec()
}

fn claims_of(client: &Client) -> Value {
    let token = client.token.as_deref().unwrap();
    serde_json::from_slice(&B64.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// The claims of a good login with one of them changed; `null` takes it out.
fn claims(of: &Client, name: &str, value: Value) -> String {
    let mut claims = claims_of(of);
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims.to_string()
}

#[track_caller]
fn refused(server: &Server, token: &str) {
    let reply = server.anon().with_token(token).get("/api/user");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{}", &token[..token.len().min(200)]);
    reply.fails(401, "unauthenticated");
}

#[test]
fn a1_a3_another_algorithm_is_refused_on_every_route() {
    let server = Server::start();
    let ann = server.user("ann");
    let (key, good) = (key_of(&server), claims_of(&ann).to_string());
    server.anon().with_token(&forge(HEADER, &good, &key)).get("/api/user").expect(200);
    let headers = [
        r#"{"typ":"JWT","alg":"none"}"#,
        r#"{"typ":"JWT","alg":"nOnE"}"#,
        r#"{"typ":"JWT","alg":"HS384"}"#,
        r#"{"typ":"JWT","alg":"RS256"}"#,
        r#"{"typ":"JWT","alg":"EdDSA"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#,
        &format!(r#"{{"typ":"JWT","alg":"HS256","jku":"{}/jwks"}}"#, server.upstream.url()),
        &format!(r#"{{"typ":"JWT","alg":"HS256","x5u":"{}/x"}}"#, server.upstream.url()),
        r#"{"typ":"JWT","alg":"HS256","crit":["exp"]}"#,
        r#"{"typ":"oss","alg":"HS256"}"#,
    ];
    for header in headers {
        let token = forge(header, &good, &key);
        refused(&server, &token);
        refused(&server, &format!("{}.", token.rsplit_once('.').unwrap().0));
    }
    assert!(server.upstream.received().is_empty(), "no key was fetched from where a token says");
    let unsigned = format!("{}.{}.", B64.encode(headers[0]), B64.encode(&good));
    for route in routes().filter(|route| route.access != Access::Public) {
        let client = server.anon().with_token(&unsigned);
        let body = (route.verb != Verb::Get).then_some("application/json");
        let path = route.path.replace("{id}", "1");
        client.send(route.verb.as_str(), &path, body, b"{}").fails(401, "unauthenticated");
    }
}

#[test]
fn a2_guessed_keys_sign_nothing() {
    let server = Server::start();
    let good = claims_of(&server.user("ann")).to_string();
    let mut guesses: Vec<Vec<u8>> = ["", "secret", "123456", "password", "gpt-assistant", "changeme", "jwt"]
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    guesses.extend([vec![0; 32], vec![0xFF; 32], key_of(&server)[..31].to_vec()]);
    let master = MasterKey::read(server.data_dir()).unwrap().unwrap();
    guesses.extend(["seal", "key check", ""].map(|purpose| master.derive(purpose).to_vec()));
    for key in guesses {
        refused(&server, &forge(HEADER, &good, &key));
    }
}

#[test]
fn a4_a5_a6_other_claims_under_the_right_key() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let (key, now) = (key_of(&server), claims_of(&ann)["iat"].as_i64().unwrap());
    for (name, value) in [
        ("exp", json!(now - 1)),
        ("exp", json!(now - 3600)),
        ("exp", json!(null)),
        ("exp", json!("9999999999")),
        ("exp", json!(9_999_999_999.5)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("nbf", json!(now + 3600)),
        ("nbf", json!("0")),
        ("sub", claims_of(&bob)["sub"].clone()),
        ("sub", json!(null)),
        ("sub", json!("1 OR 1=1")),
        ("sub", json!("1.0")),
        ("sub", json!(1)),
        ("sub", json!([])),
        ("sub", json!("9223372036854775808")),
        ("sub", json!("4711")),
        ("iss", json!("other")),
        ("iss", json!(null)),
        ("aud", json!("oss")),
        ("aud", json!(null)),
        ("jti", json!("0123456789abcdef0123456789abcdef")),
        ("jti", json!("")),
        ("jti", json!(null)),
        ("role", json!("admin")),
    ] {
        refused(&server, &forge(HEADER, &claims(&ann, name, value), &key));
    }
    ann.get("/api/user").expect(200);
}

#[test]
fn a4_a_login_ends_on_time() {
    let server = Server::start();
    let ann = server.user("ann");
    server.pass(7 * 24 * 3600 - 1);
    ann.get("/api/user").expect(200);
    server.pass(1);
    ann.get("/api/user").fails(401, "unauthenticated");
}

#[test]
fn a7_a8_other_spellings_of_a_good_token() {
    let server = Server::start();
    let ann = server.user("ann");
    let token = ann.token.clone().unwrap();
    let mut flipped = token.clone();
    let last = if flipped.pop() == Some('A') { 'B' } else { 'A' };
    flipped.push(last);
    for bad in
        [format!("{token}."), format!("{token}="), format!("{token}.x"), flipped, token.replace('.', "..")]
    {
        refused(&server, &bad);
    }
    refused(&server, &"x".repeat(9 << 10));
    let head =
        format!("GET /api/user HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", "x".repeat(1 << 20));
    let answer = ann.raw(head.as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[test]
fn a9_a12_one_bearer_header_and_nothing_else() {
    let server = Server::start();
    let ann = server.user("ann");
    let token = ann.token.clone().unwrap();
    let get = |path: &str, lines: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n");
        ann.raw(head.as_bytes()).split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for (lines, status) in [
        (format!("Authorization: Bearer {token}\r\n"), "200"),
        (format!("authorization: bearer {token}\r\n"), "200"),
        (format!("Authorization: BEARER   {token}  \r\n"), "200"),
        (String::new(), "401"),
        (format!("Authorization: Basic {token}\r\n"), "401"),
        (format!("Authorization: {token}\r\n"), "401"),
        (format!("Authorization: Bearer\t{token}\r\n"), "401"),
        (format!("Authorization: Bearer {token}, Bearer {token}\r\n"), "401"),
        (format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"), "401"),
        (format!("Authorization: Bearer x\r\nAuthorization: Bearer {token}\r\n"), "401"),
        (format!("Cookie: token={token}; jwt={token}\r\n"), "401"),
        (
            format!("X-API-Key: {token}\r\nX-Auth-Token: {token}\r\nProxy-Authorization: Bearer {token}\r\n"),
            "401",
        ),
    ] {
        assert_eq!(get("/api/user", &lines), status, "{lines}");
    }
    for query in ["token", "access_token", "api_key", "jwt"] {
        assert_eq!(get(&format!("/api/user?{query}={token}"), ""), "401", "{query}");
    }
    let form = json!({"token": token, "access_token": token, "message": "hi"});
    server.anon().post("/api/chat", &form).fails(401, "unauthenticated");
}
