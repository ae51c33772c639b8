//! The tool on its own stand-in: every measurement goes through, and the files are written.
use std::fs;
use std::process::Command;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

#[test]
fn every_measurement_goes_through() {
    let work = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    let files = [("bench", "README.md"), ("growth", "docs/PERFORMANCE.md")];
    for (name, file) in files {
        let text = format!("# x\n<!-- {name}:start -->\nobsolete\n<!-- {name}:end -->\ny\n");
        fs::write(folder.path().join(file), text).unwrap();
    }
    let output = Command::new(BENCH)
        .args(["all", "growth", "--quick", "--server", BENCH, "--work"])
        .arg(work.path())
        .arg(format!("--update={}", folder.path().display()))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let table = String::from_utf8(output.stdout).unwrap();
    for line in [
        "Executable",
        "Chat, stored: added latency, p99",
        "Chat with a picture of 2 MB: added latency, p50",
        "20 streams: processor time a token",
        "50 streams: whole | 50",
        "Logins a second",
        "History, 50 of 500 turns",
        "Search in 2,000 turns, rare word",
        "200 small conversations",
        "A file of 10 MB",
        "| Streams at once | processor time a token",
        "| Turns of one account | start to first answer",
        "| 1,000 |",
        "| Accounts | login without argon2",
    ] {
        assert!(table.contains(line), "no {line:?} in {table}\n{errors}");
    }
    for ((_, file), line) in files.into_iter().zip(["added latency", "| Accounts |"]) {
        let written = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(written.starts_with("# x\n") && written.ends_with("y\n"));
        assert!(written.contains(line) && !written.contains("obsolete"), "{written}");
    }
    let json = fs::read_to_string(work.path().join("bench.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for figure in json["figures"].as_array().unwrap() {
        // the one line that needs nginx
        let optional = figure["name"] == "… as a share of nginx's";
        assert!(optional || figure["measured"].is_object(), "{figure}");
    }
    let left = fs::read_dir(work.path()).unwrap().count();
    assert_eq!(left, 1, "files are left behind");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = Command::new(BENCH).args(["idle", "--server", "no/such/file"]).output().unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("no/such/file is not there"), "{errors}");
}
