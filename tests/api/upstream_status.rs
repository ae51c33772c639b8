//! An upstream's status never becomes ours by accident: what each means, how often it is asked, what is shown.

use crate::support::client::Client;
use crate::support::upstream::plain;
use crate::support::{Reply, Server};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;

/// What the upstream answers, and what comes of it.
struct Case {
    status: u16,
    headers: &'static str,
    body: &'static str,
    want: u16,
    code: &'static str,
    /// Words of the sentence that is shown.
    shows: &'static str,
}

const fn case(status: u16, body: &'static str, want: u16, code: &'static str, shows: &'static str) -> Case {
    Case { status, headers: "", body, want, code, shows }
}

const KEY: &str = "sk-shared-canary-000000000000";
const WEB_PAGE: &str = "<!DOCTYPE html><html><head><title>gw.example | 502: Bad gateway</title></head><body>\
     <h1>Bad gateway</h1></body></html>";

#[rustfmt::skip]
const CASES: &[Case] = &[
    case(400, r#"{"error":{"message":"temperature is too hot"}}"#, 400, "upstream_rejected", "temperature is too hot"),
    case(400, "", 400, "upstream_rejected", "status 400"),
    case(400, r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#, 400, "model_not_found", "does not exist"),
    case(400, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#, 400, "context_too_long", "too long"),
    case(401, r#"{"error":{"message":"Incorrect API key provided: sk-12**45","type":"invalid_request_error","code":"invalid_api_key"}}"#, 400, "upstream_key_rejected", "Incorrect API key"),
    case(401, "", 400, "upstream_key_rejected", "did not accept"),
    case(402, r#"{"error":{"message":"Insufficient Balance"}}"#, 400, "upstream_quota", "Insufficient Balance"),
    case(403, r#"{"error":{"message":"Country not supported"}}"#, 400, "upstream_refused", "Country not supported"),
    case(404, r#"{"error":{"message":"model 'x' not found"}}"#, 400, "model_not_found", "not found"),
    case(404, r#"{"detail":"Not Found"}"#, 400, "upstream_rejected", "Not Found"),
    case(413, "too big", 400, "upstream_rejected", "too big"),
    case(422, r#"{"detail":"bad field"}"#, 400, "upstream_rejected", "bad field"),
    case(408, "", 504, "upstream_timeout", "in time"),
    case(429, "slow down", 429, "upstream_rate_limited", "slow down"),
    case(429, r#"{"error":{"message":"quota exceeded, check billing","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#, 400, "upstream_quota", "check billing"),
    case(409, "", 502, "upstream_error", "status 409"),
    case(418, "", 502, "upstream_error", "status 418"),
    case(451, "", 502, "upstream_error", "status 451"),
    case(500, r#"{"error":"boom boom"}"#, 502, "upstream_error", "boom boom"),
    case(501, "", 502, "upstream_error", "status 501"),
    case(502, WEB_PAGE, 502, "upstream_bad_response", "502: Bad gateway"),
    case(503, r#"{"error":{"message":"overloaded"}}"#, 502, "upstream_error", "overloaded"),
    case(504, "", 502, "upstream_error", "status 504"),
    case(529, "", 502, "upstream_error", "status 529"),
    case(599, "", 502, "upstream_error", "status 599"),
    // What is no 200 is no answer, whatever it says.
    case(201, r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#, 502, "upstream_error", "status 201"),
    case(204, "", 502, "upstream_error", "status 204"),
    case(200, r#"{"error":{"message":"No credits left"}}"#, 502, "upstream_error", "No credits left"),
    case(200, r#"{"error":{"message":"no quota","code":"insufficient_quota"}}"#, 502, "upstream_error", "no quota"),
    case(200, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#, 502, "upstream_error", "too long"),
    case(200, r#"{"message":"try later"}"#, 502, "upstream_error", "try later"),
    case(200, WEB_PAGE, 502, "upstream_bad_response", "web page"),
    case(200, "", 502, "upstream_bad_response", "not an answer"),
    // A page in front of the service says with its status what it means, and with its title what it is.
    case(401, WEB_PAGE, 400, "upstream_key_rejected", "web page"),
    case(403, WEB_PAGE, 400, "upstream_refused", "web page"),
    case(404, WEB_PAGE, 400, "upstream_rejected", "upstream.base_url"),
    case(429, WEB_PAGE, 429, "upstream_rate_limited", "web page"),
    // Google's compatible endpoint wraps its errors in a list.
    case(400, r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#, 400, "upstream_rejected", "API key not valid."),
];

/// What holds for every error that came of an upstream's answer.
fn check(case: &Case, reply: Reply, what: &str) -> Value {
    assert!(reply.header("set-cookie").is_none() && reply.header("location").is_none(), "{what}");
    let limited = case.want == 429;
    assert_eq!(reply.header("retry-after").is_some(), limited, "{what}");
    let body = reply.fails(case.want, case.code);
    let sentence = body["error"].as_str().unwrap();
    assert!(sentence.contains(case.shows), "{what}: {sentence}");
    for hidden in [KEY, "sk-12", "<", "canary"] {
        assert!(!sentence.contains(hidden), "{what}: {sentence}");
    }
    body
}

#[test]
fn p4_p6_c07_c08_every_status_means_what_it_should() {
    let server = Server::start();
    let ann = server.user("ann");
    for case in CASES {
        let what = format!("{} {}", case.status, case.body);
        let before = server.upstream.received().len();
        server.upstream.answers(case.status, case.headers, case.body);
        let body = check(case, ann.post("/api/chat", &json!({"message": "hi"})), &what);
        assert_eq!(server.upstream.received().len() - before, 1, "{what}: asked once");
        let turn = ann.get(&format!("/api/chat/{}", body["id"])).expect(200).json();
        assert_eq!(turn["conversation_id"], body["conversation_id"]);
        assert_eq!((&turn["status"], &turn["error_code"]), (&json!("failed"), &json!(case.code)), "{what}");
        assert_eq!(turn["error"], body["error"], "{what}");
    }
    assert_eq!(ann.get("/api/chat/history").expect(200).json(), json!([]), "failed turns are left out");
    assert_eq!(ann.get("/api/stat/token-usage").expect(200).json(), json!({"days": [], "total": 0}));
}

#[test]
fn p18_a_redirect_is_not_followed_and_takes_no_key() {
    let server = Server::start();
    let sink = crate::support::Upstream::start();
    let ann = server.user("ann");
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let targets = [
            format!("http://{}/v1/chat/completions", sink.address),
            "file:///etc/passwd".to_owned(),
            "/v1/chat/completions".to_owned(),
            String::new(),
        ];
        for target in targets {
            let before = server.upstream.received().len();
            server.upstream.answers(status, &format!("Location: {target}\r\n"), "<html>moved</html>");
            let reply = ann.post("/api/chat", &json!({"message": "hi"}));
            assert!(reply.header("location").is_none());
            let body = reply.fails(502, "upstream_redirect");
            assert!(!body["error"].as_str().unwrap().contains("passwd"), "{body}");
            assert_eq!(server.upstream.received().len() - before, 1, "{status} {target}");
        }
    }
    assert!(sink.received().is_empty());
}

#[test]
fn p5_retry_after_is_passed_on_within_reason() {
    let server = Server::start();
    // Another time than the machine's: a date is held against the server's own clock.
    server.pass(400 * 86_400);
    let ann = server.user("ann");
    let date = |seconds: i64| {
        let at = jiff::Timestamp::from_second(server.now.load(SeqCst) + seconds).unwrap();
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    for (headers, least, most) in [
        ("Retry-After: 7\r\n".to_owned(), 7, 7),
        ("Retry-After: 0\r\n".to_owned(), 1, 1),
        ("Retry-After: 1.2\r\n".to_owned(), 2, 2),
        ("Retry-After: -5\r\n".to_owned(), 1, 60),
        ("Retry-After: 1000000000\r\n".to_owned(), 3600, 3600),
        ("Retry-After: 1e999\r\n".to_owned(), 1, 3600),
        ("Retry-After: soon\r\n".to_owned(), 1, 60),
        ("Retry-After: NaN\r\n".to_owned(), 1, 60),
        (String::new(), 1, 60),
        ("Retry-After-Ms: 1500\r\n".to_owned(), 2, 2),
        ("Retry-After-Ms: 1500\r\nRetry-After: 9\r\n".to_owned(), 9, 9),
        (format!("Retry-After: {}\r\n", date(90)), 90, 90),
        (format!("Retry-After: {}\r\n", date(-90)), 1, 1),
    ] {
        server.upstream.answers(429, &headers, "{}");
        let reply = ann.post("/api/chat", &json!({"message": "hi"}));
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((least..=most).contains(&wait), "{headers}: {wait}");
        reply.fails(429, "upstream_rate_limited");
    }
    // Where there is nothing left to wait for, nothing is promised.
    for (status, body) in [(429, r#"{"error":{"code":"insufficient_quota","message":"empty"}}"#), (503, "{}")]
    {
        server.upstream.answers(status, "Retry-After: 7\r\n", body);
        let reply = ann.post("/api/chat", &json!({"message": "hi"}));
        assert!(reply.status != 429 && reply.header("retry-after").is_none(), "{}", reply.text());
    }
}

fn still_signed_in(client: &Client) {
    client.get("/api/user").expect(200);
}

#[test]
fn c14_a_refused_key_is_not_an_ended_login() {
    let server = Server::start();
    let ann = server.user("ann");
    let turn = ann.chat("hi")["id"].clone();
    let refused = r#"{"error":{"message":"Incorrect API key provided: sk-12**45","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let script = || server.upstream.answers(401, "WWW-Authenticate: Bearer\r\nSet-Cookie: a=b\r\n", refused);
    script();
    let reply = ann.post("/api/chat", &json!({"message": "hi"}));
    assert!(reply.header("www-authenticate").is_none() && reply.header("set-cookie").is_none());
    reply.fails(400, "upstream_key_rejected");
    still_signed_in(&ann);
    script();
    let events = ann.stream(&json!({"message": "hi"})).rest();
    assert_eq!(events[1].data["code"], "upstream_key_rejected");
    assert!(!events[1].data["error"].as_str().unwrap().contains("sk-12"));
    still_signed_in(&ann);
    script();
    ann.post(&format!("/api/chat/{turn}/retry"), &json!({})).fails(400, "upstream_key_rejected");
    still_signed_in(&ann);
    script();
    let models = ann.get("/api/models").expect(200).json();
    assert_eq!((&models["stale"], &models["models"][0]["id"]), (&json!(true), &json!("gpt-4o-mini")));
    script();
    let check = ann.post("/api/user/api-key/check", &json!({"api_key": "sk-other"})).expect(200).json();
    assert_eq!((&check["ok"], &check["code"]), (&json!(false), &json!("upstream_key_rejected")));
    still_signed_in(&ann);
}

#[test]
fn p4_no_fragment_of_a_key_in_any_sentence() {
    let server = Server::start();
    let ann = server.user("ann");
    let own = "sk-proj-Own0canary1234567890abcdefWXYZ";
    ann.post("/api/user/api-key", &json!({"api_key": own})).expect(200);
    for said in [
        format!("Incorrect API key provided: {own}."),
        format!("bad key={own}&x=1"),
        format!("api_key='{own}'"),
        format!("token \\\"{own}\\\" refused"),
        "Incorrect API key provided: sk-proj-Own0c***********WXYZ. See https://x.example".to_owned(),
        "key=sk-proj-Own0canary1 is not valid".to_owned(),
        "(sk-proj-Own0canary) is wrong".to_owned(),
        "authorization:Bearer sk-proj-Own0canary1234".to_owned(),
        "canary1234567890 is what you sent".to_owned(),
        "x-api-key:canary1234567890,retry".to_owned(),
    ] {
        server.upstream.answers(401, "", &format!(r#"{{"error":{{"message":"{said}"}}}}"#));
        let body = ann.post("/api/chat", &json!({"message": "hi"})).fails(400, "upstream_key_rejected");
        let sentence = body["error"].as_str().unwrap();
        for part in ["sk-proj", "Own0c", "canary1", "WXYZ"] {
            assert!(!sentence.contains(part), "{said}: {sentence}");
        }
    }
}

#[test]
fn p6_a_sentence_is_one_clean_line_of_300_characters() {
    let server = Server::start();
    let ann = server.user("ann");
    let shown = |body: &[u8]| {
        server.upstream.script(vec![crate::support::upstream::Step::Send(plain(400, "", body))]);
        ann.post("/api/chat", &json!({"message": "hi"})).fails(400, "upstream_rejected")["error"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let say = |message: &str| shown(json!({"error": {"message": message}}).to_string().as_bytes());
    assert_eq!(say(&"x".repeat(300)), "x".repeat(300));
    let long = say(&"好".repeat(1000));
    assert!(long.chars().count() <= 300 && long.ends_with('…'), "{}", long.chars().count());
    let family = say(&"👩‍👩‍👧".repeat(400));
    assert!(family.trim_end_matches('…').ends_with("👩‍👩‍👧"), "cut between characters");
    assert_eq!(say("first line\nsecond\n/srv/app/x.py"), "first line");
    assert_eq!(say("bell\u{7} and \u{1b}[31mred"), "bell and [31mred");
    assert!(!say("Traceback (most recent call last):\n  File \"/srv/x.py\"").contains("srv"));
    assert!(shown(b"\xFF\xFE\x00garbage\x80").contains("status 400"));
    assert!(shown(&[0x1F, 0x8B, 8, 0, 1, 2, 3]).contains("status 400"));
    // A refusal may come packed, as an answer may.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, br#"{"error":{"message":"packed but plain"}}"#).unwrap();
    assert_eq!(shown(&packed.finish().unwrap()), "packed but plain");
}
