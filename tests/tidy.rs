//! The house rules that can be read off the text: which floor may use which, where each outside library lives, how long a
//! file and a function may be, what must not stand anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that use a neighbour on their own floor. Whatever is not here is an arrow nobody has thought about.
const SIDEWAYS: &[(&str, &[&str], &str)] = &[
    ("config", &["calendar", "secret"], "its values are checked and its secrets wrapped as they are read"),
    ("gate", &["error"], "it turns people away"),
    ("model", &["text"], "tokens that nobody has measured are estimated by their text"),
    ("app", &["chat", "files", "import", "models", "settings"], "it owns their state"),
    (
        "accounts",
        &["avatars", "billing", "files", "two_factor"],
        "an account ends with its pictures; a key is sealed for its payer",
    ),
    ("backup", &["avatars", "files"], "pictures are part of an archive"),
    ("chat", &["billing", "files"], "an answer is paid for before it begins; pictures go with a message"),
    ("conversations", &["accounts", "chat"], "they show running answers, and check names of models alike"),
    ("doctor", &["settings"], "it asks the model service with the key that is in force"),
    ("export", &["files"], "what was sent is part of a conversation"),
    (
        "import",
        &["accounts", "files"],
        "pictures come along with a conversation; names of models are checked alike",
    ),
    ("invites", &["accounts"], "a note is a line of text, as a title is"),
    ("scrape", &["admin"], "both tell how much memory is in use"),
    ("settings", &["accounts"], "a shared key is checked as a person's is"),
    ("two_factor", &["accounts"], "it wants the password first"),
    ("upkeep", &["files"], "it removes those that nothing refers to"),
    ("cli", &["server"], "serve is the process around it"),
];

/// Outside libraries and the only places that name them, as beginnings of paths in `src/`.
const HOMES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli/", "backup.rs"]),
    ("argon2", &["auth/"]),
    ("base64", &["keys.rs", "oss.rs"]),
    ("chacha20poly1305", &["keys.rs"]),
    ("clap", &["cli/"]),
    ("comrak", &["render/"]),
    ("email_address", &["accounts.rs"]),
    ("fast_qr", &["auth/"]),
    ("flate2", &["http/", "upstream/"]),
    ("form_urlencoded", &["http/"]),
    ("futures_util", &["http/", "server/"]),
    ("getrandom", &["keys.rs", "auth/"]),
    ("governor", &["limits.rs"]),
    ("hmac", &["auth/", "keys.rs", "oss.rs"]),
    ("hyper", &["server/"]),
    ("hyper_util", &["server/"]),
    ("image", &["pictures.rs"]),
    ("include_dir", &["http/"]),
    ("indicatif", &["cli/"]),
    ("ipnet", &["config/", "server/", "doctor/"]),
    // Dates of signatures and of a provider's Retry-After have forms of their own.
    ("jiff", &["calendar.rs", "oss.rs", "tls.rs", "upstream/"]),
    ("jsonwebtoken", &["auth/"]),
    ("mimalloc", &["main.rs"]),
    ("multer", &["http/"]),
    ("pulldown_latex", &["render/"]),
    ("r2d2", &["store/"]),
    ("r2d2_sqlite", &["store/"]),
    ("rpassword", &["cli/"]),
    ("rusqlite", &["store/"]),
    ("schemars", &["http/", "model.rs", "admin.rs", "import/report.rs"]),
    ("serde_path_to_error", &["http/"]),
    ("sha1", &["oss.rs"]),
    ("sha2", &["auth/", "keys.rs", "oss.rs"]),
    ("socket2", &["server/", "upstream/"]),
    // What waits for the end of an answer is told by a channel that a thread can write to.
    ("tokio", &["http/", "server/", "cli/serve.rs", "chat/"]),
    ("tokio_rustls", &["tls.rs", "server/"]),
    ("toml", &["config/"]),
    ("totp_rs", &["auth/"]),
    ("tower_service", &["server/"]),
    ("tracing_subscriber", &["cli/serve.rs"]),
    ("unicode_normalization", &["text.rs"]),
    ("unicode_segmentation", &["text.rs", "search.rs"]),
    // The health check is a client of ours, and the bucket a server that is no model service.
    ("ureq", &["upstream/", "oss.rs", "doctor/"]),
    ("warp", &["http/", "server/"]),
    ("zeroize", &["keys.rs", "secret.rs"]),
    ("zip", &["archive.rs"]),
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;
/// What may stand before `fn`.
const QUALIFIERS: [&str; 6] = ["pub", "pub(super)", "pub(crate)", "const", "async", "unsafe"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the repository, with their text; what is no text is left out.
fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let foreign = ["node_modules", "target", "__pycache__", "transcripts", "corpus"];
                if !foreign.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name != "package-lock.json"
                && let Ok(text) = fs::read_to_string(&path)
            {
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty() || !root().join(folder).exists(), "{folder}");
    found
}

/// The lines of a source file that are neither blank, nor comment, nor its unit tests.
fn code(text: &str) -> Vec<&str> {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    before_tests
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
        .collect()
}

/// Source files by their path in `src/`, with their code alone.
fn sources() -> Vec<(String, String)> {
    let rust =
        texts("src").into_iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "rs"));
    let path = |path: PathBuf| path.strip_prefix("src").unwrap().to_string_lossy().into_owned();
    rust.map(|(file, text)| (path(file), code(&text).join("\n"))).collect()
}

/// The floor of each module: the paragraphs of `lib.rs`, from the bottom up.
fn floors() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let (mut floors, mut floor) = (BTreeMap::new(), 0);
    for line in text.lines() {
        if line.starts_with("// ") {
            floor += 1;
        } else if let Some(name) = line.strip_prefix("pub mod ") {
            floors.insert(name.trim_end_matches(';').to_owned(), floor);
        }
    }
    assert!(floor >= 5 && floors.len() > 20, "{floors:?}");
    floors
}

/// The modules named behind `crate::`, also in braces.
fn named(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && !c.is_whitespace() => {
                    found.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn arrows_between_floors_point_down() {
    let floors = floors();
    let mut sideways: BTreeSet<(String, String)> = BTreeSet::new();
    for (path, code) in sources() {
        let module = path.split(['/', '.']).next().unwrap().to_owned();
        let Some(own) = floors.get(&module) else { continue };
        for other in named(&code).into_iter().filter(|other| *other != module) {
            let Some(floor) = floors.get(&other) else { continue };
            assert!(floor <= own, "{path}: {module} stands below {other} and must not use it");
            // Everything that the product does takes the App.
            if floor == own && other != "app" {
                sideways.insert((module.clone(), other));
            }
        }
    }
    let listed = |(module, other): &(String, String)| {
        SIDEWAYS
            .iter()
            .any(|(from, to, why)| from == module && to.contains(&other.as_str()) && why.len() > 10)
    };
    let new: Vec<_> = sideways.iter().filter(|arrow| !listed(arrow)).collect();
    assert!(new.is_empty(), "sideways arrows that the list does not name: {new:?}");
    let drawn = |from: &str, to: &str| sideways.contains(&(from.to_owned(), to.to_owned()));
    for (from, to, _) in SIDEWAYS {
        let gone: Vec<_> = to.iter().filter(|to| !drawn(from, to)).collect();
        assert!(gone.is_empty(), "listed, but {from} no longer uses {gone:?}");
    }
}

#[test]
fn every_library_has_its_home() {
    let names = |code: &str, library: &str| {
        let path = format!("{library}::");
        code.match_indices(&path).any(|(at, _)| {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            !before.is_ascii_alphanumeric() && before != '_' && before != ':'
        }) || code.contains(&format!("use {library};"))
    };
    for (path, code) in sources() {
        for (library, homes) in HOMES.iter().filter(|(library, _)| names(&code, library)) {
            assert!(
                homes.iter().any(|home| path.starts_with(home)),
                "{path} names {library}, which lives in {homes:?}"
            );
        }
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let needed = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    // Used everywhere by their nature: shapes on the wire, the log, types of the protocol, the operating system.
    let everywhere = ["serde", "serde_json", "tracing", "http", "bytes", "rustix"];
    for line in needed.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some((name, _)) = line.split_once(" =") else { continue };
        let name = name.replace('-', "_");
        let known = everywhere.contains(&name.as_str()) || HOMES.iter().any(|(library, _)| *library == name);
        assert!(known, "{name} has no home in the list of this test");
    }
}

#[test]
fn files_and_functions_are_short() {
    for (path, code) in sources() {
        let lines: Vec<&str> = code.lines().collect();
        assert!(lines.len() <= LONGEST_FILE, "{path} has {} lines of code", lines.len());
        let indent = |line: &str| line.len() - line.trim_start().len();
        for (start, line) in lines.iter().enumerate() {
            let is_function = line.split_whitespace().find(|word| !QUALIFIERS.contains(word)) == Some("fn");
            if !is_function || line.ends_with('}') || line.ends_with(';') {
                continue;
            }
            let closing =
                |other: &&&str| other.trim_start().starts_with('}') && indent(other) == indent(line);
            let length = lines[start..].iter().take_while(|other| !closing(other)).count() + 1;
            assert!(length <= LONGEST_FUNCTION, "{path}: {} has {length} lines", line.trim());
        }
    }
}

/// Who hands jobs to the writing thread without waiting for them, and how many of them there can be at once. Its queue is
/// bounded by these.
const SUBMITTING: &[(&str, usize, &str)] = &[
    (
        "store/answers.rs",
        2,
        "beginning and end of a running answer, which counts as running until both are written",
    ),
    ("store/imports.rs", 1, "the conversations of a batch, which is waited for"),
];

#[test]
fn the_queue_of_the_writer_has_a_bound() {
    let submitting = |code: &str| code.matches(".writer.submit(").count();
    let found: Vec<(String, usize)> = sources()
        .into_iter()
        .map(|(path, code)| (path, submitting(&code)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let listed = SUBMITTING.iter().map(|(path, count, _)| ((*path).to_owned(), *count));
    assert_eq!(found, listed.collect::<Vec<_>>());
}

#[test]
fn nothing_unfinished_and_nothing_of_one_machine() {
    let here = Path::new("tests/tidy.rs");
    let everything =
        ["src", "tests", "migrations", "static", "docs", "tools", "bench/src"].into_iter().flat_map(texts);
    let at_the_top = fs::read_dir(root())
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && !path.ends_with(".git"));
    let at_the_top =
        at_the_top.filter_map(|path| Some((path.file_name()?.into(), fs::read_to_string(&path).ok()?)));
    for (path, text) in everything.chain(at_the_top).filter(|(path, _): &(PathBuf, String)| path != here) {
        for (number, line) in text.lines().enumerate() {
            for forbidden in [
                "todo!(",
                "dbg!(",
                "unimplemented!(",
                "FIXME",
                "/root/.",
                "/work/",
                "/tmp/claude",
                "C:\\Users",
            ] {
                assert!(!line.contains(forbidden), "{}:{}: {forbidden}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn the_reference_for_people_names_every_route() {
    let Ok(text) = fs::read_to_string(root().join("docs/API.md")) else { return };
    let missing: Vec<String> = gpt_assistant::http::routes()
        .filter(|route| !text.contains(&format!("{} {}", route.verb.as_str(), route.path)))
        .map(|route| format!("{} {}", route.verb.as_str(), route.path))
        .collect();
    assert!(missing.is_empty(), "docs/API.md does not name {missing:#?}");
}

/// The words in quotation marks that follow `before` in a text, blanks apart.
fn words_behind<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let quoted = |rest: &'a str| rest.trim_start().strip_prefix('"')?.split('"').next();
    text.split(before).skip(1).filter_map(quoted)
}

#[test]
fn the_reference_for_people_names_every_code() {
    let text = fs::read_to_string(root().join("docs/API.md")).unwrap();
    let mut codes = BTreeSet::new();
    for (path, code) in sources() {
        let kinds = ["Refused", "Credentials", "Forbidden", "Unavailable", "TooLarge", "Limited"];
        let mut makes: Vec<String> = kinds.iter().map(|kind| format!("Error::{kind}(")).collect();
        // Why an answer is not whole.
        makes.extend(["fault(", "code: "].map(str::to_owned));
        if path == "error.rs" {
            makes.extend(["=> ", ", "].map(str::to_owned));
        }
        for before in &makes {
            let names = words_behind(&code, before)
                .filter(|word| word.chars().all(|c| c == '_' || c.is_ascii_lowercase()));
            codes.extend(names.map(str::to_owned));
        }
    }
    assert!(codes.contains("upstream_timeout") && codes.len() > 50, "{codes:?}");
    let missing: Vec<_> = codes.iter().filter(|code| !text.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/API.md does not name {missing:?}");
}

/// Below these, libraries have published faults that would reach us.
const FLOORS: &[(&str, [u64; 3], &str)] = &[
    ("bytes", [1, 11, 1], "RUSTSEC-2026-0007"),
    ("h2", [0, 4, 4], "RUSTSEC-2024-0332"),
    ("hyper", [1, 0, 0], "smuggling in 0.14"),
    ("jsonwebtoken", [10, 3, 0], "CVE-2026-25537"),
    ("libsqlite3-sys", [0, 38, 0], "SQLite 3.51.3: a log that is reset under a second connection"),
    ("rustls", [0, 23, 18], "RUSTSEC-2024-0399"),
    ("tracing-subscriber", [0, 3, 20], "CVE-2025-58160"),
];

#[test]
fn o12_libraries_with_known_faults_are_not_in_use() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for (library, floor, why) in FLOORS {
        let entries: Vec<&str> = lock.split(&format!("name = \"{library}\"\nversion = \"")).skip(1).collect();
        assert!(!entries.is_empty(), "{library} is not in use any more");
        for entry in entries {
            let version = entry.split('"').next().unwrap();
            let numbers: Vec<u64> =
                version.split(['.', '-', '+']).take(3).map(|n| n.parse().unwrap()).collect();
            assert!(numbers.as_slice() >= floor.as_slice(), "{library} {version}: {why}");
        }
    }
}

/// The cases of the catalogue, by their letters.
const CASES: &[(char, usize)] = &[
    ('A', 27),
    ('Z', 7),
    ('I', 17),
    ('U', 16),
    ('P', 24),
    ('H', 13),
    ('S', 15),
    ('O', 12),
    ('W', 10),
    ('G', 7),
];

/// The cells of the rows of `docs/THREATS.md` that begin with a case.
fn threats() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("docs/THREATS.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<String> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let is_case = cells[0].starts_with(|c: char| c.is_ascii_uppercase())
            && cells[0].len() > 1
            && cells[0][1..].bytes().all(|b| b.is_ascii_digit());
        if is_case {
            assert_eq!(cells.len(), 4, "{line}");
            let twice = rows.insert(cells[0].clone(), cells);
            assert!(twice.is_none(), "{line} stands there twice");
        }
    }
    rows
}

#[test]
fn every_case_of_the_catalogue_has_its_test() {
    let rows = threats();
    let expected: BTreeSet<String> =
        CASES.iter().flat_map(|(letter, last)| (1..=*last).map(move |n| format!("{letter}{n}"))).collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let mut named = BTreeSet::new();
    for (case, cells) in &rows {
        let [_, what, tests, result] = &cells[..] else { panic!("{cells:?}") };
        assert!(what.len() > 10 && !result.is_empty(), "{case}");
        if let Some(reason) = tests.strip_prefix("void: ") {
            assert!(reason.len() > 20, "{case} is void without a reason");
            continue;
        }
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{case} has no test");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{case}: {test}"));
            let text =
                fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{case}: {file}: {e}"));
            let defined =
                if file.ends_with(".js") { format!("test(\"{name}") } else { format!("fn {name}(") };
            assert!(text.contains(&defined), "{case}: there is no {test}");
            named.insert(test.to_owned());
        }
    }
    // And the other way round: a test that is named by a case stands in its row.
    for (path, text) in ["src", "tests"]
        .into_iter()
        .flat_map(texts)
        .filter(|(path, _)| path.extension().is_some_and(|e| e == "rs"))
    {
        for name in
            text.split("#[test]\n").skip(1).filter_map(|rest| rest.split("fn ").nth(1)?.split('(').next())
        {
            let first = name.split('_').next().unwrap();
            if rows.contains_key(&first.to_ascii_uppercase()) {
                let test = format!("{}::{name}", path.display());
                assert!(named.contains(&test), "docs/THREATS.md does not name {test}");
            }
        }
    }
}
