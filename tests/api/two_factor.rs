//! Two-factor login: what it asks for, that a code works once, and how often one may guess.

use crate::support::{Client, Reply, Server};
use serde_json::json;
use std::sync::atomic::Ordering::SeqCst;

/// An authenticator app.
struct Phone(totp_rs::Totp);

impl Phone {
    /// Turns two-factor login on, and gives the recovery codes with it.
    fn of(client: &Client, server: &Server) -> (Phone, Vec<String>) {
        let begun = client.post("/api/user/totp", &json!({"password": "secret1"})).expect(200).json();
        let secret = totp_rs::Secret::try_from_base32(begun["secret"].as_str().unwrap()).unwrap();
        let phone = Phone(totp_rs::Builder::new().with_secret(secret).build().unwrap());
        let form = json!({"code": phone.code(server)});
        let confirmed = client.post("/api/user/totp/confirm", &form).expect(200).json();
        (phone, serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap())
    }

    fn code(&self, server: &Server) -> String {
        self.0.generate(u64::try_from(server.now.load(SeqCst)).unwrap()).to_string()
    }
}

fn login(client: &Client, code: &str) -> Reply {
    let form = json!({"email": "ann@example.org", "password": "secret1", "code": code});
    client.post("/api/login", &form)
}

#[test]
fn a_code_works_once_and_so_does_a_recovery_code() {
    let server = Server::start();
    let ann = server.user("ann");
    let (phone, recovery) = Phone::of(&ann, &server);
    server.anon().login("ann@example.org", "secret1").fails(401, "totp_required");
    // The code with which it was turned on is used up, too.
    login(&server.anon(), &phone.code(&server)).fails(401, "code_invalid");
    server.pass(30);
    let code = phone.code(&server);
    let form = json!({"email": "ann@example.org", "password": "wrong1", "code": code});
    server.anon().post("/api/login", &form).fails(401, "invalid_credentials");
    login(&server.anon(), &code).expect(200);
    login(&server.anon(), &code).fails(401, "code_invalid");
    assert_eq!(recovery.len(), 10);
    login(&server.anon(), &recovery[3]).expect(200);
    login(&server.anon(), &recovery[3]).fails(401, "code_invalid");
    // On already: no second secret takes the place of the first.
    ann.post("/api/user/totp", &json!({"password": "secret1"})).fails(400, "totp_on");
    server.pass(30);
    let off = json!({"password": "secret1", "code": phone.code(&server)}).to_string();
    ann.send("DELETE", "/api/user/totp", Some("application/json"), off.as_bytes()).expect(200);
    server.anon().login("ann@example.org", "secret1").expect(200);
}

#[test]
fn a17_guesses_at_a_code_are_counted_by_account_wherever_they_come_from() {
    let server = Server::with(|config| {
        config.limits.login_per_minute = 10;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.auth.setup_code = false;
    });
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let (phone, _) = Phone::of(&ann, &server);
    server.pass(30);
    let guess = |at: usize| {
        let address = format!("192.0.2.{at}");
        login(&server.anon().with_header("X-Forwarded-For", &address), "000000")
    };
    // Setting it up has taken two of the ten; every six seconds there is one more.
    let limited = (0..50).position(|at| guess(at).status == 429);
    assert!(limited.is_some_and(|at| at >= 8), "{limited:?}");
    login(&server.anon().with_header("X-Forwarded-For", "192.0.2.100"), &phone.code(&server))
        .fails(429, "rate_limited");
    server.anon().login("bob@example.org", "secret1").expect(200);
    bob.get("/api/user").expect(200);
}
