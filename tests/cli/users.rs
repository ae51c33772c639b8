//! `user`: accounts without a mail server, beside a running server and without one.

use crate::support::Client;
use crate::support::program::{Ended, Place};
use rustix::process::Signal;

const ANN: &str = "ann@example.org";

#[track_caller]
fn good(ended: Ended) -> String {
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    ended.stdout
}

#[track_caller]
fn fails(ended: &Ended, word: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains(word) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
}

#[test]
fn without_a_server() {
    let place = Place::new();
    assert_eq!(good(place.run(&["user", "list"])), "");
    let added = good(place.run_with(&["user", "add", " Ann@Example.org ", "--name", "Ann 安"], "secret1\n"));
    assert!(
        added.contains("ann@example.org") && added.contains("admin"),
        "the first is the administrator: {added}"
    );
    good(place.run_with(&["user", "add", "bob@localhost"], "pass word \r\n"));
    good(place.run_with(&["user", "add", "eve@example.org", "--admin"], "secret1"));
    let listed = good(place.run(&["user", "list"]));
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    let columns = |row: usize| (rows[row][1], rows[row][2], rows[row][3], rows[row][5]);
    assert_eq!(columns(0), ("ann@example.org", "admin", "enabled", "Ann 安"));
    assert_eq!(columns(1), ("bob@localhost", "user", "enabled", "bob"));
    assert_eq!(columns(2), ("eve@example.org", "admin", "enabled", "eve"));
    assert!(!listed.contains("argon2") && !listed.contains("secret"));

    fails(&place.run_with(&["user", "add", "ANN@example.org"], "secret1\n"), "already in use");
    fails(&place.run_with(&["user", "add", "no address"], "secret1\n"), "address");
    fails(&place.run_with(&["user", "add", "x@example.org"], "12345\n"), "at least 6");
    fails(&place.run_with(&["user", "add", "x@example.org"], ""), "password");
    fails(
        &place.run_with(&["user", "reset-password", "x@example.org"], "secret2\n"),
        "no account x@example.org",
    );
    for command in ["disable", "enable", "promote", "demote", "delete"] {
        fails(&place.run(&["user", command, "x@example.org"]), "no account x@example.org");
    }
    assert_eq!(
        place.run(&["user", "add", "x@example.org", "--password", "secret1"]).code,
        Some(2),
        "never an argument"
    );
    let server = place.serve(&[]);
    server.client().login("bob@localhost", "pass word ").expect(200);
    server.client().login("bob@localhost", "pass word").fails(401, "invalid_credentials");
}

#[test]
fn o2_the_first_account_may_come_from_the_command_line() {
    let place = Place::new();
    good(place.run_with(&["user", "add", ANN, "--admin"], "secret1\n"));
    let server = place.serve(&["--listen", "0.0.0.0:0"]);
    let bob = server.client().register("bob@example.org").expect(200).json();
    assert_eq!(bob["user"]["role"], "user", "no code is needed where there is an account");
    assert!(!server.log().contains("set-up code"));
}

#[test]
fn a13_a14_a_running_server_sees_it_at_its_next_request() {
    let place = Place::new();
    let server = place.serve(&[]);
    let admin = server.user("admin");
    let ann = server.user("ann");
    let login = |password: &str| server.client().login(ANN, password);
    let fresh = |password: &str| -> Client {
        server.client().with_token(login(password).expect(200).json()["token"].as_str().unwrap())
    };
    let on_ann = |command: &str| good(place.run(&["user", command, ANN]));

    good(place.run_with(&["user", "reset-password", ANN], "secret2\n"));
    ann.get("/api/user").fails(401, "unauthenticated");
    login("secret1").fails(401, "invalid_credentials");
    let ann = fresh("secret2");
    on_ann("promote");
    assert_eq!(ann.get("/api/user").expect(200).json()["role"], "admin");
    on_ann("demote");
    assert_eq!(ann.get("/api/user").expect(200).json()["role"], "user");
    on_ann("disable");
    ann.get("/api/user").fails(401, "unauthenticated");
    login("secret2").fails(403, "account_disabled");
    login("wrong1").fails(401, "invalid_credentials");
    on_ann("enable");
    ann.get("/api/user").fails(401, "unauthenticated");
    let ann = fresh("secret2");

    let asked = place.run_with(&["user", "delete", ANN], "no\n");
    assert_eq!(asked.code, Some(1), "{}", asked.stderr);
    assert!(asked.stderr.contains("nothing was deleted"), "{}", asked.stderr);
    ann.get("/api/user").expect(200);
    let asked = place.run_with(&["user", "delete", ANN], &format!("{ANN}\n"));
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    ann.get("/api/user").fails(401, "unauthenticated");
    login("secret2").fails(401, "invalid_credentials");

    for command in ["demote", "disable"] {
        good(place.run_with(&["user", "add", &format!("{command}@example.org")], "secret1\n"));
        fails(&place.run(&["user", command, "admin@example.org"]), "last administrator");
    }
    fails(&place.run(&["user", "delete", "admin@example.org", "--yes"]), "last administrator");
    admin.get("/api/user").expect(200);
    good(place.run(&["user", "delete", "demote@example.org", "--yes"]));
    server.signal(Signal::TERM);
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn o3_commands_too_say_what_is_wrong_with_the_configuration() {
    let place = Place::new();
    let file = place.write("bad.toml", "[server]\nlisten = 1\n");
    let ended = place.run(&["user", "list", "--config", &file]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("bad.toml:2: server.listen"), "{}", ended.stderr);
}
