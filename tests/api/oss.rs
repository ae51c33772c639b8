//! Aliyun OSS: signed forms for uploads from the browser, addresses of what was uploaded, and avatars kept in a bucket. The
//! bucket is a scripted server; the signatures are also held to the official client's.

use crate::pictures::png;
use crate::support::upstream::{Gate, Step, plain};
use crate::support::{Client, Server, Upstream};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as B64;
use gpt_assistant::config::{AvatarBackend, BaseUrl, Config, OssSignature};
use gpt_assistant::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ID: &str = "LTAI-EXAMPLE";
const SECRET: &str = "oss-secret-canary-0123456789";
const HOST: &str = "https://pictures.oss-cn-hangzhou.aliyuncs.com";
/// 2024-06-20 05:23:20 UTC.
const NOW: i64 = 1_718_861_000;

fn bucket(config: &mut Config) {
    config.oss.access_key_id = ID.into();
    config.oss.access_key_secret = Secret::new(SECRET);
    (config.oss.bucket, config.oss.region) = ("pictures".into(), "cn-hangzhou".into());
}

fn v1(config: &mut Config) {
    bucket(config);
    config.oss.signature = OssSignature::V1;
}

/// A server whose clock stands at `NOW`, with somebody who has signed in.
fn server(change: fn(&mut Config)) -> (Server, Client) {
    let server = Server::with(change);
    server.now.store(NOW, std::sync::atomic::Ordering::SeqCst);
    let ann = server.user("ann");
    (server, ann)
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn v4_signature(policy: &str) -> String {
    let parts = ["20240620", "cn-hangzhou", "oss", "aliyun_v4_request", policy];
    let key = parts
        .iter()
        .fold(format!("aliyun_v4{SECRET}").into_bytes(), |key, part| mac::<Hmac<sha2::Sha256>>(&key, part));
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn policy_of(form: &Value) -> Value {
    serde_json::from_slice(&B64.decode(form["policy"].as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn u15_a_form_is_good_for_one_picture_of_one_person() {
    for (change, is_v4) in [(bucket as fn(&mut Config), true), (v1, false)] {
        let (server, ann) = server(change);
        let mut keys = std::collections::HashSet::new();
        for (kind, ending) in [
            ("", "png"),
            ("?type=image/jpeg", "jpg"),
            ("?type=image/webp", "webp"),
            ("?type=image/gif", "gif"),
        ] {
            let reply = ann.get(&format!("/api/oss-signature{kind}")).expect(200);
            assert!(!reply.text().contains("canary") && reply.header("cache-control") == Some("no-store"));
            let form = reply.json();
            let policy = policy_of(&form);
            assert_eq!(
                (&form["accessid"], &form["host"], &form["expire"]),
                (&json!(ID), &json!(HOST), &json!(NOW + 600))
            );
            assert_eq!(policy["expiration"], "2024-06-20T05:33:20.000Z");
            let key = form["key"].as_str().unwrap();
            let random = key
                .strip_prefix("avatars/1_")
                .and_then(|rest| rest.strip_suffix(&format!(".{ending}")))
                .expect(key);
            assert!(
                random.len() == 32
                    && random.bytes().all(|b| b.is_ascii_hexdigit())
                    && keys.insert(random.to_owned())
            );
            let conditions = policy["conditions"].as_array().unwrap();
            for wanted in [
                json!({"bucket": "pictures"}),
                json!(["eq", "$key", key]),
                json!(["content-length-range", 1, 10_485_760]),
                json!(["in", "$content-type", ["image/png", "image/jpeg", "image/webp", "image/gif"]]),
                json!(["eq", "$success_action_status", "200"]),
            ] {
                assert!(conditions.contains(&wanted), "{wanted} in {policy}");
            }
            assert_eq!(form["max_size"], 10_485_760);
            assert_eq!(form["success_action_status"], "200");
            assert_eq!(form["content_types"].as_array().map(Vec::len), Some(4));
            let encoded = form["policy"].as_str().unwrap();
            if is_v4 {
                assert_eq!(form["signature"], v4_signature(encoded));
                assert_eq!(form["signature_version"], "OSS4-HMAC-SHA256");
                assert_eq!(form["x_oss_date"], "20240620T052320Z");
                assert_eq!(
                    form["x_oss_credential"],
                    format!("{ID}/20240620/cn-hangzhou/oss/aliyun_v4_request")
                );
                for name in ["signature_version", "credential", "date"] {
                    let name = if name == "signature_version" {
                        "x-oss-signature-version".into()
                    } else {
                        format!("x-oss-{name}")
                    };
                    assert!(conditions.iter().any(|condition| condition.get(&name).is_some()), "{name}");
                }
            } else {
                assert_eq!(
                    form["signature"],
                    B64.encode(mac::<Hmac<sha1::Sha1>>(SECRET.as_bytes(), encoded))
                );
                assert!(form.get("signature_version").is_none() && form.get("x_oss_credential").is_none());
            }
        }
        for bad in ["image/svg%2bxml", "text/html", "image/PNG", "png", "*"] {
            ann.get(&format!("/api/oss-signature?type={bad}")).names(&["type"]);
        }
        server.anon().get("/api/oss-signature").fails(401, "unauthenticated");
    }
    let (_plain, ann) = server(|_| ());
    ann.get("/api/oss-signature").fails(404, "oss_not_configured");
}

#[test]
fn u15_the_official_client_signs_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oss");
    if !std::path::Path::new(folder).join("node_modules/ali-oss").exists() {
        let install = Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix", folder])
            .status();
        assert!(
            install.is_ok_and(|status| status.success()),
            "npm cannot install the official client (tests/oss)"
        );
    }
    let forms: Vec<Value> = [bucket as fn(&mut Config), v1]
        .map(|change| {
            let (_server, ann) = server(change);
            ann.get("/api/oss-signature").expect(200).json()
        })
        .to_vec();
    let asked: Vec<Value> = forms.iter().map(|form| {
        let policy = String::from_utf8(B64.decode(form["policy"].as_str().unwrap()).unwrap()).unwrap();
        json!({"secret": SECRET, "id": ID, "region": "oss-cn-hangzhou", "policy": policy, "date": NOW * 1000})
    }).collect();
    let mut node = Command::new("node")
        .arg("sign.js")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs the official client");
    node.stdin.take().unwrap().write_all(json!(asked).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    let signed: Value = serde_json::from_slice(&output.stdout).expect("signatures");
    assert_eq!(forms[0]["signature"], signed[0]["v4"]);
    assert_eq!(forms[1]["signature"], signed[1]["v1"]);
}

#[test]
fn u12_only_an_own_picture_becomes_an_avatar_and_nothing_is_fetched() {
    let sink = Upstream::start();
    let (server, ann) = server(bucket);
    let bob = server.user("bob");
    let set = |client: &Client, url: &str| client.post("/api/user/avatar-url", &json!({"url": url}));
    let form = |client: &Client| client.get("/api/oss-signature").expect(200).json();
    let url = |form: &Value| format!("{}/{}", form["host"].as_str().unwrap(), form["key"].as_str().unwrap());
    let (own, other) = (url(&form(&ann)), url(&form(&bob)));
    assert_eq!(set(&ann, &own).expect(200).json(), json!({"avatar": own}));
    assert_eq!(ann.get("/api/user").json()["avatar"], own.as_str());
    let local = ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", &png(8, 8)).expect(200).json();
    let local = local["avatar"].as_str().unwrap().to_owned();
    assert_eq!(set(&ann, &local).expect(200).json()["avatar"], local.as_str());
    for bad in [
        other.as_str(),
        "",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "//evil.example/x.png",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://user:pass@pictures.oss-cn-hangzhou.aliyuncs.com/avatars/x.png",
        &sink.url(),
        "https://evil.example/a.png",
        &own.replace("https:", "http:"),
        &own.replace(".aliyuncs.com", ".aliyuncs.com.evil.example"),
        &own.replace(".aliyuncs.com", ".aliyuncs.com@evil.example"),
        &format!("{own}?x=1"),
        &format!("{own}#x"),
        &format!("{own}/../x"),
        &format!("{own}\" onerror=\"x"),
        &format!("{own}\r\nX: y"),
        &own.replace("avatars/", "avatars/../avatars/"),
        &own.replace(".png", ".svg"),
        &"x".repeat(3_000),
        "/avatars/1_00000000000000000000000000000000.png",
        "/avatars/../master.key",
        &local.replace("/1_", "/2_"),
        &format!("{local}/"),
        &format!("http://evil.example{local}"),
    ] {
        set(&ann, bad).names(&["url"]);
    }
    set(&bob, &local).names(&["url"]);
    ann.post("/api/user/avatar-url", &json!({})).names(&["url"]);
    ann.post("/api/user/avatar-url", &json!({"url": 7})).names(&["url"]);
    assert_eq!(ann.get("/api/user").json()["avatar"], local.as_str());
    assert!(sink.received().is_empty() && server.upstream.received().is_empty());
    // With another picture in its place the local file is gone, and its address no longer good.
    set(&ann, &own).expect(200);
    set(&ann, &local).names(&["url"]);
    server.anon().get(&local).fails(404, "not_found");
}

/// A server that keeps avatars in a scripted bucket.
fn with_bucket(change: fn(&mut Config)) -> (Server, Client, Upstream) {
    let store = Upstream::start();
    let endpoint = BaseUrl::parse(&format!("http://{}", store.address)).unwrap();
    let server = Server::with(|config| {
        change(config);
        config.avatar = AvatarBackend::Oss;
        config.oss.endpoint = Some(endpoint);
        config.oss.host = Some(BaseUrl::parse("https://cdn.example.org").unwrap());
    });
    let ann = server.user("ann");
    (server, ann, store)
}

fn upload(client: &Client) -> crate::support::Reply {
    client.upload("/api/user/avatar", "avatar", "a.png", "image/png", &png(8, 8))
}

#[test]
fn an_avatar_goes_into_the_bucket_by_a_form_of_our_own() {
    for (change, is_v4) in [(bucket as fn(&mut Config), true), (v1, false)] {
        let (server, ann, store) = with_bucket(change);
        store.answers(200, "", "");
        let avatar = upload(&ann).expect(200).json()["avatar"].as_str().unwrap().to_owned();
        assert!(
            avatar.starts_with("https://cdn.example.org/avatars/1_") && avatar.ends_with(".png"),
            "{avatar}"
        );
        assert_eq!(ann.get("/api/user").json()["avatar"], avatar.as_str());
        let sent = &store.received()[0];
        assert!(
            sent.head.starts_with("POST / HTTP/1.1") && sent.header("authorization").is_none(),
            "{}",
            sent.head
        );
        let body = String::from_utf8_lossy(&sent.body).into_owned();
        assert!(!body.contains("canary") && body.contains("name=\"policy\"") && body.contains("\u{FFFD}PNG"));
        assert_eq!(body.contains("name=\"x-oss-signature\""), is_v4);
        assert_eq!(body.contains("name=\"Signature\""), !is_v4);
        let file = body.find("name=\"file\"").unwrap();
        assert!(
            body.find("name=\"key\"").unwrap() < file && body.rfind("form-data").unwrap() < file,
            "the file comes last"
        );
        assert!(std::fs::read_dir(server.data_dir().join("avatars")).unwrap().next().is_none());
    }
}

#[test]
fn a_bucket_that_fails_changes_nothing() {
    let (_server, ann, store) = with_bucket(bucket);
    store.answers(200, "", "");
    let before = upload(&ann).expect(200).json()["avatar"].clone();
    for (status, headers) in [(403, ""), (500, ""), (302, "Location: http://evil.example/\r\n"), (204, "")] {
        store.answers(status, headers, "<Error><Code>AccessDenied</Code><Key>oss-detail</Key></Error>");
        let body = upload(&ann).fails(502, "avatar_store_failed");
        assert!(!body.to_string().contains("oss-detail"), "{body}");
    }
    store.script(vec![Step::Reset]);
    upload(&ann).fails(502, "avatar_store_failed");
    ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", b"no picture").names(&["avatar"]);
    assert_eq!(ann.get("/api/user").json()["avatar"], before);
}

#[test]
fn p24_a_bucket_that_is_silent_holds_up_nobody_else() {
    let (server, ann, store) = with_bucket(bucket);
    let gate = Gate::default();
    for _ in 0..24 {
        store.script(vec![Step::Wait(gate.clone()), Step::Send(plain(200, "", b""))]);
    }
    let bob = server.user("bob");
    // One person may have eight on their way.
    let people = [ann, server.user("cid"), server.user("dan")];
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..24)
            .map(|at| {
                let who = &people[at % 3];
                scope.spawn(move || {
                    loop {
                        // Pictures are decoded one at a time; of a crowd some are asked to come again.
                        let reply = upload(who);
                        if reply.status != 503 {
                            return reply;
                        }
                    }
                })
            })
            .collect();
        store.wait_for_requests(24);
        let began = Instant::now();
        for _ in 0..10 {
            bob.get("/api/user").expect(200);
        }
        server.anon().login("bob@example.org", "secret1").expect(200);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        gate.open();
        waiting.into_iter().for_each(|thread| {
            thread.join().unwrap().expect(200);
        });
    });
}
