//! Starting and stopping: the ready line, what is made, who may not start, signals.

use crate::support::Upstream;
use crate::support::program::{Place, eventually};
use crate::support::upstream::Step;
use rustix::process::Signal;
use serde_json::json;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn o2_the_first_start_needs_nothing_and_says_one_line() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert_eq!(server.client().get("/api/health").expect(200).json()["status"], "ok");
    for (email, password) in [("admin", "admin"), ("admin@localhost", "123456"), ("root@localhost", "root")] {
        server.client().login(email, password).fails(401, "invalid_credentials");
    }
    let base = server.base.clone();
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, format!("gpt-assistant {} listening on {base}\n", env!("CARGO_PKG_VERSION")));
    assert!(!ended.stderr.contains("WARN") && !ended.stderr.contains("ERROR"), "{}", ended.stderr);
    let version = place.run(&["--version"]);
    assert_eq!(
        (version.code, version.stdout.trim()),
        (Some(0), concat!("gpt-assistant ", env!("CARGO_PKG_VERSION")))
    );
}

fn modes(place: &Place) -> Vec<(String, u32)> {
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut found = vec![("data".to_owned(), mode(&place.data()))];
    for entry in std::fs::read_dir(place.data()).unwrap().flatten() {
        found.push((entry.file_name().to_string_lossy().into_owned(), mode(&entry.path())));
    }
    for entry in std::fs::read_dir(place.data().join("avatars")).unwrap().flatten() {
        found.push(("an avatar".into(), mode(&entry.path())));
    }
    found
}

#[track_caller]
fn are_private(place: &Place) {
    let found = modes(place);
    assert!(found.len() >= 5, "{found:?}");
    for (name, mode) in found {
        let wanted = if ["data", "avatars", "files"].contains(&name.as_str()) { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{name} {mode:o}");
    }
}

#[test]
fn o5_what_is_made_is_its_owners_alone_whatever_the_mask() {
    let mut place = Place::new();
    place.before = "umask 000;".into();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let picture = image::DynamicImage::new_rgb8(4, 4);
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", &png.into_inner()).expect(200);
    are_private(&place);
    drop(server);
    // The command line may be the first to come, too.
    let mut place = Place::new();
    place.before = "umask 000;".into();
    std::fs::create_dir(place.data()).unwrap();
    let added = place.run_with(&["user", "add", "ann@example.org"], "secret1\n");
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    for (name, mode) in modes(&place).into_iter().filter(|(name, _)| name != "data") {
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
}

#[test]
fn after_a_stop_the_database_is_one_file() {
    let place = Place::new();
    let server = place.serve(&[]);
    server.user("ann").get("/api/user").expect(200);
    assert_eq!(server.stop().code, Some(0));
    let names: Vec<_> = std::fs::read_dir(place.data()).unwrap().flatten().map(|e| e.file_name()).collect();
    let is_of_log =
        |name: &std::ffi::OsString| ["-wal", "-shm"].iter().any(|end| name.to_string_lossy().ends_with(end));
    assert!(!names.iter().any(is_of_log), "whoever copies the database alone has all of it: {names:?}");
}

#[test]
fn o4_an_address_that_cannot_be_used_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for address in [taken.as_str(), "192.0.2.1:8080"] {
        let ended = Place::new().run(&["--listen", address]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{address}: {}", ended.stderr);
        let said = ended.stderr.lines().find(|line| line.starts_with("gpt-assistant: ")).expect("a sentence");
        assert!(
            said.contains("server.listen") && said.contains(address) && said.contains("choose another"),
            "{said}"
        );
    }
    for address in ["127.0.0.1", "127.0.0.1:99999", "localhost:8080", "", "8080", "[::1]"] {
        let ended = Place::new().run(&["--listen", address]);
        assert_eq!(ended.code, Some(2), "{address}: {}", ended.stderr);
        assert!(ended.stderr.contains("server.listen"), "{address}: {}", ended.stderr);
    }
}

#[test]
fn s8_a_second_instance_leaves_the_first_alone() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let second = place.run(&["--listen", "127.0.0.1:0"]);
    assert_eq!((second.code, second.stdout.as_str()), (Some(4), ""), "{}", second.stderr);
    let said = second.stderr.trim();
    assert!(
        said.contains(&format!("pid {}", server.pid())) && said.contains("data") && said.lines().count() == 1,
        "{said}"
    );
    ann.get("/api/user").expect(200);
    assert_eq!(server.stop().code, Some(0));
    place.serve(&[]);
}

#[test]
fn o1_a_signal_right_after_the_ready_line_is_heeded() {
    let place = Place::new();
    for signal in [Signal::TERM, Signal::INT, Signal::TERM, Signal::INT] {
        let server = place.serve(&[]);
        server.signal(signal);
        let ended = server.end();
        assert_eq!(ended.code, Some(0), "{signal:?} {}", ended.stderr);
    }
}

#[test]
fn o1_a_hang_up_ends_nothing_and_a_second_signal_everything() {
    let upstream = Upstream::start();
    let mut place = Place::new();
    place.set("upstream.base_url", &upstream.url());
    place.set("upstream.api_key", "sk-shared");
    let mut server = place.serve(&[]);
    let ann = server.user("ann");
    for _ in 0..3 {
        server.signal(Signal::HUP);
        ann.get("/api/user").expect(200);
    }
    upstream.script(vec![Step::Hold]);
    let bytes = json!({"message": "hi", "stream": true}).to_string();
    let mut waiting = ann.connect();
    let token = ann.token.clone().unwrap();
    let request = format!(
        "POST /api/chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{bytes}",
        bytes.len()
    );
    std::io::Write::write_all(&mut waiting, request.as_bytes()).unwrap();
    upstream.wait_for_requests(1);
    server.signal(Signal::TERM);
    server.wait_for_log("stopping");
    assert!(server.is_running(), "an answer is still running");
    let began = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.end().code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// A port that was free a moment ago, for when the ready line cannot be read.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn o10_nobody_has_to_listen_to_what_it_says() {
    let place = Place::new();
    let port = free_port();
    // Beyond loopback it has a set-up code to say as well.
    let mut child = place.command(&["--listen", &format!("0.0.0.0:{port}")]).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let client = crate::support::Client::new(&format!("http://127.0.0.1:{port}"));
    eventually("it serves with both outputs closed", || {
        std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok()
    });
    for _ in 0..5 {
        client.register("ann@example.org").fails(403, "setup_code_required");
    }
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    // Last words that nobody hears do not change the status.
    let mut child = place.command(&["--listen", "nowhere"]).stdout(Stdio::null()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn o2_a_server_that_others_can_reach_asks_for_its_code() {
    let mut codes = std::collections::HashSet::new();
    let place = Place::new();
    for _ in 0..2 {
        let server = place.serve(&["--listen", "0.0.0.0:0"]);
        let log = server.wait_for_log("set-up code");
        let alone = |line: &&str| line.len() >= 12 && line.bytes().all(|b| b.is_ascii_hexdigit());
        let code = server
            .log()
            .lines()
            .find(alone)
            .map(str::to_owned)
            .unwrap_or_else(|| panic!("no code alone on its line: {log}"));
        assert!(log.contains("anybody who can reach this server may register"), "{log}");
        assert!(codes.insert(code.clone()), "it is new at each start");
        server.client().register("ann@example.org").fails(403, "setup_code_required");
        if codes.len() == 2 {
            let form = json!({"name": "Ann", "email": "ann@example.org", "password": "secret1", "password_confirmation": "secret1", "invite": code});
            assert_eq!(
                server.client().post("/api/register", &form).expect(200).json()["user"]["role"],
                "admin"
            );
        }
    }
    let mut off = Place::new();
    off.set("auth.setup_code", "off");
    let server = off.serve(&["--listen", "0.0.0.0:0"]);
    assert_eq!(server.user("ann").get("/api/user").json()["role"], "admin");
    assert!(!server.log().contains("set-up code"));
    let local = Place::new();
    assert!(!local.serve(&[]).stop().stderr.contains("set-up code"));
}

#[test]
fn o2_a_shared_key_for_everybody_is_warned_of() {
    let mut place = Place::new();
    place.set("upstream.api_key", "sk-shared-canary");
    let server = place.serve(&["--listen", "0.0.0.0:0"]);
    let log = server.wait_for_log("shared key without a cap");
    assert!(!log.contains("canary"));
    drop(server);
    place.set("limits.shared_tokens_per_day", "1000");
    let ended = place.serve(&["--listen", "0.0.0.0:0"]).stop();
    assert!(!ended.stderr.contains("without a cap"), "{}", ended.stderr);
}

#[test]
fn a_health_check_tells_a_server_from_none() {
    let place = Place::new();
    let server = place.serve(&["--data-dir", "elsewhere"]);
    let check = |url: &str| place.run(&["healthcheck", "--url", url]);
    let good = check(&server.base);
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "ok\n"), "{}", good.stderr);
    let address = server.base.trim_start_matches("http://").to_owned();
    assert_eq!(place.run(&["healthcheck", "--listen", &address]).code, Some(0));
    assert_eq!(check(&format!("{}/nothing", server.base)).code, Some(1));
    assert_eq!(check("nonsense").code, Some(1));
    drop(server);
    let bad = check(&format!("http://{address}"));
    assert_eq!((bad.code, bad.stdout.as_str()), (Some(1), ""));
    assert!(bad.stderr.contains(&address) && bad.stderr.lines().count() == 1, "{}", bad.stderr);
    assert!(!place.data().exists(), "a question makes no data folder");
}

/// The number at that place of the executable.
fn number(program: &[u8], at: usize, bytes: usize) -> u64 {
    program[at..at + bytes].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// An ELF file (System V ABI): at an address that changes with each start, with its tables read-only afterwards, and
/// without a stack that can be run.
#[test]
fn o12_the_executable_is_hardened() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_gpt-assistant")).unwrap();
    assert!(program.starts_with(b"\x7fELF\x02\x01"), "64 bits, little end first");
    assert_eq!(number(&program, 16, 2), 3, "position independent");
    let (table, size, count) = (number(&program, 32, 8), number(&program, 54, 2), number(&program, 56, 2));
    let header = |i: u64| (table + i * size) as usize;
    let segments: Vec<(u64, u64)> =
        (0..count).map(|i| (number(&program, header(i), 4), number(&program, header(i) + 4, 4))).collect();
    assert!(segments.iter().any(|(kind, _)| *kind == 0x6474_e552), "read-only after relocation");
    let stack = segments.iter().find(|(kind, _)| *kind == 0x6474_e551).expect("a rule for the stack");
    assert_eq!(stack.1 & 1, 0, "the stack cannot be run");
}
