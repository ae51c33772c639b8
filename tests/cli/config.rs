//! The configuration as the program meets it: files, variables and flags, good and bad.

use crate::support::program::Place;
use crate::support::{Client, Upstream};
use serde_json::json;

#[test]
fn o3_every_fault_is_said_at_once_with_line_and_key() {
    let mut place = Place::new();
    let text = "[server]\nlisten = \"nowhere\"\nlisten_on = 1\nmax_connections = \"many\"\n[auth]\ntoken_ttl = \"7\"\n\
         [upstream]\nbase_url = \"api.example.org\"\napi_key = \"two canary words\"\n[chat]\ntimezone = \"Mars/X\"\n[log]\nlevel = \"loud\"\n\
         level = \"info\"\n[nope]\na = 1\n";
    let file = place.write("c.toml", text);
    place.set("limits.chat_per_minute", "-1");
    place.environment.push(("GPT_ASSISTANT_SERVER__NOWHERE".into(), "canary".into()));
    let lines = [
        ":2: server.listen",
        ":3: there is no key server.listen_on",
        ":4: server.max_connections",
        ":6: auth.token_ttl",
        ":8: upstream.base_url",
        ":9: upstream.api_key",
        ":11: chat.timezone",
        ":13: log.level",
        ":14: ",
        ":16: there is no key nope.a",
        "GPT_ASSISTANT_LIMITS__CHAT_PER_MINUTE",
        "GPT_ASSISTANT_SERVER__NOWHERE",
        "--listen: server.listen",
    ];
    for (arguments, code) in [
        (vec!["--config", &file, "--listen", "x"], 2),
        (vec!["config", "check", "--config", &file, "--listen", "x"], 1),
    ] {
        let ended = place.run(&arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{}", ended.stderr);
        for wanted in lines {
            assert_eq!(ended.stderr.matches(wanted).count(), 1, "{wanted} in {}", ended.stderr);
        }
        assert_eq!(ended.stderr.lines().count(), lines.len(), "{}", ended.stderr);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    }
    assert!(!place.data().exists(), "nothing was begun");
}

#[test]
fn o3_what_its_files_hold_is_checked_at_once_too() {
    let mut place = Place::new();
    let none = place.write("none.pem", "no certificate");
    place.set("tls.certificate", &none);
    place.set("tls.key", &none);
    place.set("upstream.ca_file", &none);
    let ended = place.run(&["config", "check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    for key in ["upstream.ca_file", "tls.certificate"] {
        assert_eq!(ended.stderr.matches(key).count(), 1, "{key} in {}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 2, "{}", ended.stderr);
}

#[test]
fn o3_a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    for file in ["missing.toml", "/", "/proc/self/mem"] {
        let ended = place.run(&["--config", file]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(file) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
    let ended = place.run(&["config", "check", "--config", "missing.toml"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
}

#[test]
fn the_default_file_is_a_good_one() {
    let place = Place::new();
    let printed = place.run(&["config", "default"]);
    assert_eq!((printed.code, printed.stdout.as_str()), (Some(0), include_str!("../../config.toml")));
    let file = place.write("config.toml", &printed.stdout);
    for arguments in [vec!["config", "check"], vec!["config", "check", "--config", &file]] {
        assert_eq!(place.run(&arguments).code, Some(0));
    }
    // Without --config the file of that name beside us is read.
    place.write("config.toml", "[server]\nlisten = \"nowhere\"\n");
    assert_eq!(place.run(&["config", "check"]).code, Some(1));
    let usage = place.run(&["no-such-command"]);
    assert_eq!((usage.code, usage.stdout.as_str()), (Some(2), ""));
}

#[test]
fn flags_win_over_variables_and_they_over_the_file() {
    let mut place = Place::new();
    place.write("config.toml", "[server]\nlisten = \"192.0.2.1:1\"\ndata_dir = \"from-file\"\nbase_path = \"/from-file\"\n[auth]\nregistration = \"closed\"\n");
    place.set("server.listen", "192.0.2.2:2");
    place.set("server.data_dir", "from-variable");
    place.set("server.base_path", "/from-variable");
    let server = place.serve(&["--data-dir", "from-flag"]);
    assert!(place.path().join("from-flag/gpt-assistant.db").exists());
    assert!(!place.path().join("from-file").exists() && !place.path().join("from-variable").exists());
    server.client().get("/from-variable/api/health").expect(200);
    server.client().get("/from-file/api/health").expect(404);
    let below = Client::new(&format!("{}/from-variable", server.base));
    below.register("ann@example.org").expect(200);
    below.register("bob@example.org").fails(403, "registration_closed");
}

#[test]
fn o6_a_secret_may_come_from_a_file_and_shows_nowhere() {
    let upstream = Upstream::start();
    let mut place = Place::new();
    let file = place.write("key", "  sk-file-canary-00000000000000 \n");
    place.set("upstream.api_key_file", &file);
    place.set("upstream.base_url", &upstream.url());
    place.set("log.level", "trace");
    let server = place.serve(&[]);
    server.user("ann").chat("hi");
    assert_eq!(upstream.received()[0].header("authorization"), Some("Bearer sk-file-canary-00000000000000"));
    let proc = |name: &str| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{}/{name}", server.pid())).unwrap())
            .into_owned()
    };
    for name in ["cmdline", "environ"] {
        assert!(!proc(name).contains("canary"), "{name}");
    }
    let core = proc("limits").lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
    assert!(core.split_whitespace().filter(|word| *word == "0").count() == 2, "{core}");
    assert!(!server.stop().stderr.contains("canary"));
    place.set("upstream.api_key_file", "/nonexistent");
    let ended = place.run(&["config", "check"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("/nonexistent"), "{}", ended.stderr);
    let ended = place.run(&["--api-key", "sk-canary"]);
    assert_eq!(ended.code, Some(2), "no flag takes a secret");
}

/// Each way to write the address, with proxy variables that would lead elsewhere.
#[test]
fn c12_p23_every_form_of_the_address_means_one_place() {
    for (form, path) in [
        ("http://H/v1", "/v1"),
        ("http://H/v1/", "/v1"),
        ("http://H", "/v1"),
        ("http://H/", "/v1"),
        ("http://H/v1/chat/completions", "/v1"),
        ("http://H/api/v1", "/api/v1"),
        (" http://H/v1 ", "/v1"),
        ("http://H//v1//", "/v1"),
        ("HTTP://H/v1", "/v1"),
    ] {
        let upstream = Upstream::start();
        let mut place = Place::new();
        place.set(
            "upstream.base_url",
            &form.replace('H', &upstream.address).replace(&format!("{}TTP", upstream.address), "HTTP"),
        );
        place.set("upstream.api_key", "sk-shared");
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            place.environment.push((name.into(), "http://127.0.0.1:9".into()));
        }
        let server = place.serve(&[]);
        let ann = server.user("ann");
        assert_eq!(ann.chat("hi")["reply"], "Hello.", "{form}");
        assert_eq!(ann.get("/api/models").expect(200).json()["stale"], false, "{form}");
        let asked: Vec<String> =
            upstream.received().iter().map(|request| request.path().to_owned()).collect();
        assert_eq!(asked, [format!("{path}/chat/completions"), format!("{path}/models")], "{form}");
    }
    let mut place = Place::new();
    for bad in [
        "example.org/v1",
        "ftp://example.org",
        "http://",
        "http://a b",
        "http://u:canary@h/v1",
        "http://h/v1?key=canary",
        "",
    ] {
        place.environment.clear();
        place.set("upstream.base_url", bad);
        let ended = place.run(&[]);
        assert_eq!(ended.code, Some(2), "{bad}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("upstream.base_url") && !ended.stderr.contains("canary"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn p23_the_proxy_of_the_configuration_is_used() {
    let proxy = Upstream::start();
    let mut place = Place::new();
    place.set("upstream.base_url", "http://model.example/v1");
    place.set("upstream.proxy", &format!("http://{}", proxy.address));
    place.set("upstream.api_key", "sk-shared");
    let server = place.serve(&[]);
    // What the scripted proxy says to CONNECT does not matter here; that it is asked does.
    let _ = server.user("ann").post("/api/chat", &json!({"message": "hi"}));
    assert!(proxy.received()[0].head.contains("model.example"), "{}", proxy.received()[0].head);
}

#[test]
fn o7_a_configuration_writes_nothing_into_a_terminal() {
    let place = Place::new();
    for text in [
        "\u{1b}[2J\0 = 1\n",
        "[server]\n\"\\u001b]0;x\\u0007\" = 1\n",
        "[auth]\ntoken_ttl = \"\\u001b[2J\"\n",
    ] {
        let ended = place.run(&["config", "check", "--config", &place.write("c.toml", text)]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let odd = |c: char| c.is_control() && c != '\n';
        assert!(!ended.stderr.contains(odd) && !ended.stdout.contains(odd), "{ended:?}");
    }
}
