//! `/api/import` with files of strangers: damaged, endless, foreign, and the limits of it all.

use crate::support::exports::{archive, chatgpt, counts, end_of, import, send, titled, titles};
use crate::support::program::eventually;
use crate::support::{Client, Server};
use serde_json::{Value, json};
use std::io::Write;

fn good() -> Vec<u8> {
    json!([chatgpt("c", "T", &["q", "a"])]).to_string().into_bytes()
}

/// Files of imports that lie in the data folder.
fn left(server: &Server) -> usize {
    let names = std::fs::read_dir(server.data_dir()).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with("import-")).count()
}

#[track_caller]
fn unreadable(server: &Server, client: &Client, file: &[u8]) -> String {
    let said = send(client, file).fails(400, "import_unreadable");
    assert_eq!(left(server), 0);
    assert_eq!(titles(client), Vec::<String>::new());
    said["error"].as_str().unwrap().to_owned()
}

#[test]
fn what_cannot_be_read_is_refused() {
    let server = Server::start();
    let ann = server.user("ann");
    let zipped = archive(&[("conversations.json", &good())]);
    for file in [
        &b""[..],
        b" ",
        b"x",
        b"[]",
        b"{}",
        b"null",
        b"[1,2]",
        b"[{}]",
        b"{\"conversations\":[]}",
        b"<html>",
        b"\xFF\xFE[\0]\0",
        b"\x89PNG",
    ] {
        unreadable(&server, &ann, file);
    }
    assert!(unreadable(&server, &ann, b"PK\x03\x04").contains("archive"));
    for length in [4, 10, 50, zipped.len() / 2, zipped.len() - 1] {
        unreadable(&server, &ann, &zipped[..length]);
    }
    unreadable(&server, &ann, &archive(&[]));
    unreadable(&server, &ann, &archive(&[("conversations.txt", &good()), ("a.png", b"x")]));
    unreadable(&server, &ann, &archive(&[("conversations.json", b"[]"), ("other.json", &good())]));
    unreadable(&server, &ann, &good()[..40]);
    ann.upload("/api/import", "file", "a.json", "application/json", &good())
        .fails(415, "unsupported_media_type");
    let bare = json!({"id": "c", "title": "No messages", "create_time": 1});
    unreadable(&server, &ann, json!([bare]).to_string().as_bytes());
    assert_eq!(counts(&import(&ann, &zipped)), [1, 0, 0, 0], "and then it works");
}

#[test]
fn damage_costs_what_is_damaged() {
    let server = Server::start();
    let ann = server.user("ann");
    let two = json!([chatgpt("a", "A", &["q", "a"]), chatgpt("b", "B", &["q", "a"])]).to_string();
    let report = import(&ann, &two.as_bytes()[..two.len() - 20]);
    assert_eq!((counts(&report), &report["status"]), ([1, 0, 0, 1], &json!("done")));
    assert!(report["problems"][0]["reason"].as_str().unwrap().contains("ends in the middle"), "{report}");
    assert_eq!(titles(&ann), ["A"]);

    // A byte of the packed text is wrong: what came before it is taken in, and the other file is.
    let mut big = json!(
        (0..50)
            .map(|i| chatgpt(&format!("x{i}"), &format!("X{i}"), &["q", &"lorem ".repeat(500)]))
            .collect::<Vec<_>>()
    );
    big[0]["title"] = json!("First");
    let mut file = archive(&[
        ("conversations-000.json", big.to_string().as_bytes()),
        ("conversations-001.json", two.as_bytes()),
    ]);
    let middle = file.windows(22).position(|w| w == b"conversations-001.json").unwrap() / 2;
    file[middle] ^= 0x55;
    let report = import(&ann, &file);
    let [imported, _, skipped, failed] = counts(&report);
    assert!(imported >= 1 && skipped <= 1 && failed >= 1, "{report}");
    assert!(titles(&ann).contains(&"B".to_owned()), "the other part is there: {report}");
    assert!(
        report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["title"].as_str().unwrap().starts_with("conversations-000.json")),
        "{report}"
    );

    // A conversation that is nested too deep, one that is none, and one that is too long.
    let deep = format!("{{\"id\":\"d\",\"mapping\":{{\"u\":{}1{}}}}}", "[".repeat(5000), "]".repeat(5000));
    let long = format!("{{\"id\":\"l\",\"title\":\"{}\"}}", "x".repeat(25 << 20));
    let text =
        format!("[{deep},{long},7,{{\"id\":\"n\",\"title\":\"None\"}},{}]", chatgpt("e", "E", &["q", "a"]));
    let report = import(&ann, &archive(&[("conversations.json", text.as_bytes())]));
    assert_eq!(counts(&report), [1, 0, 0, 4], "{report}");
    titled(&ann, "E");
}

#[test]
fn i17_a_file_of_commas_is_not_gone_through() {
    let server = Server::start();
    let ann = server.user("ann");
    let commas = ",".repeat(2 << 20);
    unreadable(&server, &ann, format!("[{commas}]").as_bytes());
    unreadable(&server, &ann, &archive(&[("a.json", format!("[{}0]", "0,".repeat(1 << 20)).as_bytes())]));
    let report = import(&ann, format!("[{},{commas}]", chatgpt("c", "T", &["q", "a"])).as_bytes());
    assert_eq!(
        (&report["status"], counts(&report)),
        (&json!("failed"), [1, 0, 0, 10_000]),
        "{}",
        report["problems"]
    );
    let problems = report["problems"].as_array().unwrap();
    assert!(problems.len() <= 200 && problems[199]["reason"].as_str().unwrap().contains("more problems"));
    titled(&ann, "T");
}

#[test]
fn u9_names_in_an_archive_are_no_paths() {
    let server = Server::start();
    let ann = server.user("ann");
    let names = [
        "../../conversations-0.json",
        "/etc/conversations-1.json",
        "C:\\x\\conversations-2.json",
        "a/\u{202E}../conversations-3\n.json",
    ];
    let texts: Vec<Vec<u8>> = (0..4)
        .map(|i| format!("[{},]", chatgpt(&format!("c{i}"), &format!("T{i}"), &["q", "a"])).into_bytes())
        .collect();
    let files: Vec<(&str, &[u8])> = names.iter().zip(&texts).map(|(name, text)| (*name, &text[..])).collect();
    let before: Vec<_> = server.bytes_on_disk().into_iter().map(|(path, _)| path).collect();
    let report = import(&ann, &archive(&files));
    assert_eq!(counts(&report), [4, 0, 0, 4]);
    let places: Vec<&str> =
        report["problems"].as_array().unwrap().iter().map(|p| p["title"].as_str().unwrap()).collect();
    assert!(places.iter().all(|place| !place.contains(['/', '\\', '\n'])), "{places:?}");
    let after: Vec<_> = server.bytes_on_disk().into_iter().map(|(path, _)| path).collect();
    assert_eq!(before, after);
    assert_eq!(std::fs::read_dir(server.data_dir().parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn u6_a_bomb_is_refused_by_what_it_claims_and_stopped_by_what_it_is() {
    let server = Server::with(|config| config.limits.import_bytes = 1 << 20);
    let ann = server.user("ann");
    let padding = format!("[{},\"{}\"]", chatgpt("c", "T", &["q", "a"]), " ".repeat(20 << 20));
    let mut bomb = archive(&[("conversations.json", padding.as_bytes())]);
    assert!(bomb.len() < 100 << 10);
    send(&ann, &bomb).fails(413, "too_large");
    assert_eq!((left(&server), titles(&ann)), (0, vec![]));
    // It lies about its length, in the directory and before the file.
    let length = u32::try_from(padding.len()).unwrap().to_le_bytes();
    let places: Vec<usize> =
        bomb.windows(4).enumerate().filter(|(_, w)| *w == length).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bomb[*at..*at + 4].copy_from_slice(&1000_u32.to_le_bytes()));
    unreadable(&server, &ann, &bomb);
    // Many files that are one another: each is small, all of them are not.
    let one = format!("[{}]", " ".repeat(200 << 10));
    let files: Vec<(String, &[u8])> =
        (0..100).map(|i| (format!("conversations-{i:03}.json"), one.as_bytes())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    send(&ann, &archive(&files)).fails(413, "too_large");
    let many: Vec<(String, &[u8])> = (0..20_001).map(|i| (format!("{i}.json"), &b"[]"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let said = send(&ann, &archive(&many));
    assert!([400, 413].contains(&said.status), "{}", said.text());
}

#[test]
fn i4_more_than_may_be_sent_is_refused() {
    let server = Server::with(|config| config.limits.import_bytes = 100 << 10);
    let ann = server.user("ann");
    let large = vec![b' '; (100 << 10) + 1];
    send(&ann, &large).fails(413, "too_large");
    // Without a length it is counted.
    let mut stream = ann.connect();
    let token = ann.token.as_deref().unwrap();
    write!(stream, "POST /api/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    write!(stream, "{:x}\r\n", large.len()).unwrap();
    stream.write_all(&large).unwrap();
    write!(stream, "\r\n0\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // Who asks first is told before sending.
    let head = format!(
        "POST /api/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n"
    );
    assert!(ann.raw(head.as_bytes()).starts_with("HTTP/1.1 413"));
    assert_eq!(left(&server), 0);
    assert_eq!(counts(&import(&ann, &good())), [1, 0, 0, 0]);
}

/// Begins to send a file and stops in the middle.
fn half_sent(client: &Client) -> std::net::TcpStream {
    let mut stream = client.connect();
    let token = client.token.as_deref().unwrap();
    write!(stream, "POST /api/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream.write_all(&[b' '; 500]).unwrap();
    stream
}

#[test]
fn one_at_a_time_and_few_in_all() {
    let server = Server::start();
    let ann = server.user("ann");
    let sending = half_sent(&ann);
    eventually("its file is there", || left(&server) == 1);
    let refused = send(&ann, &good());
    assert_eq!(refused.header("retry-after"), Some("10"));
    refused.fails(429, "import_running");
    let others: Vec<_> = ["bob", "eve", "tom"].map(|name| half_sent(&server.user(name))).into();
    let last = server.user("zoe");
    send(&last, &good()).fails(503, "overloaded");
    drop((sending, others));
    eventually("there is room again", || left(&server) == 0 && send(&last, &good()).status == 202);
    assert_eq!(counts(&import(&ann, &good())), [1, 0, 0, 0]);
}

#[test]
fn s8_what_a_stop_cuts_off_the_next_start_goes_on_with() {
    let mut server = Server::start();
    let ann = server.user("ann");
    let text = "a rather long answer about pendulums and clocks. ".repeat(200);
    let all: Vec<Value> =
        (0..600).map(|i| chatgpt(&format!("c{i}"), &format!("T{i}"), &["q", &text, "r", &text])).collect();
    let id = send(&ann, json!(all).to_string().as_bytes()).expect(202).json()["id"].as_i64().unwrap();
    eventually("some of it is there", || {
        ann.get(&format!("/api/import/{id}")).json()["total"].as_i64().unwrap() > 0
    });
    server.restart(|_| ());
    let ann = server.anon().with_token(ann.token.as_deref().unwrap());
    let report = end_of(&ann, id);
    assert_eq!(
        (&report["status"], &report["total"], &report["failed"]),
        (&json!("done"), &json!(600), &json!(0)),
        "{report}"
    );
    assert_eq!(
        counts(&import(&ann, json!(all).to_string().as_bytes())),
        [0, 0, 600, 0],
        "each is there once"
    );
    assert_eq!(left(&server), 0);
}

#[test]
fn an_account_that_ends_ends_its_import() {
    let server = Server::start();
    let admin = server.user("admin");
    let bob = server.user("bob");
    let text = "a rather long answer about pendulums and clocks. ".repeat(200);
    let all: Vec<Value> =
        (0..600).map(|i| chatgpt(&format!("c{i}"), &format!("T{i}"), &["q", &text, "r", &text])).collect();
    let id = send(&bob, json!(all).to_string().as_bytes()).expect(202).json()["id"].as_i64().unwrap();
    eventually("some of it is there", || {
        bob.get(&format!("/api/import/{id}")).json()["total"].as_i64().unwrap() > 0
    });
    admin.delete("/api/admin/users/2").expect(200);
    eventually("its file is gone", || left(&server) == 0);
    bob.get(&format!("/api/import/{id}")).fails(401, "unauthenticated");
    let ann = server.user("ann");
    assert_eq!(counts(&import(&ann, &good())), [1, 0, 0, 0]);
}

#[test]
fn i17_mutated_exports_do_no_harm() {
    let server = Server::start();
    let ann = server.user("ann");
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let text = good();
    let packed = archive(&[("conversations.json", &text), ("conversations-1.json", &text)]);
    for round in 0..300 {
        let mut file = if round % 2 == 0 { text.clone() } else { packed.clone() };
        for _ in 0..=random(8) {
            let at = random(file.len());
            match random(4) {
                0 => file[at] = random(256) as u8,
                1 => drop(file.remove(at)),
                2 => file.insert(at, b"{}[]\",:\\0"[random(9)]),
                _ => file.truncate(at.max(1)),
            }
            if file.is_empty() {
                file.push(b'[');
            }
        }
        let reply = send(&ann, &file);
        match reply.status {
            202 => drop(end_of(&ann, reply.json()["id"].as_i64().unwrap())),
            400 => drop(reply.fails(400, "import_unreadable")),
            413 => drop(reply.fails(413, "too_large")),
            other => panic!("{other}: {}", reply.text()),
        }
    }
    ann.get("/api/conversations").expect(200);
    eventually("its files are gone", || left(&server) == 0);
}
