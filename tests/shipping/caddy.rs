//! `packaging/Caddyfile`, by Debian's Caddy.

use crate::visit::Site;
use crate::{Beside, example};
use std::process::{Command, Stdio};

fn through_caddy(below: &'static str, changes: &[(&str, &str)]) {
    let site = Site::new(below);
    // A certificate of the test, in place of one that Caddy would ask an authority for; no port but the one, and whatever
    // name a visitor calls it by.
    let name = format!(
        "{{\n admin off\n auto_https disable_redirects\n}}\nhttps://:{} {{\n bind 127.0.0.1\n tls {} {}\n",
        site.port, site.certificate, site.key
    );
    let mut all = vec![("127.0.0.1:8080", site.behind.as_str()), ("chat.example.org {\n", name.as_str())];
    all.extend(changes);
    let file = site.place.write("Caddyfile", &example("Caddyfile", &all));
    let _caddy = Beside::start(
        Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config", &file])
            .stderr(Stdio::null())
            .env("HOME", site.place.path())
            .env("XDG_DATA_HOME", site.place.path())
            .env("XDG_CONFIG_HOME", site.place.path()),
    );
    site.visit();
}

#[test]
fn the_example_for_caddy_works() {
    through_caddy("", &[]);
}

#[test]
fn the_example_for_caddy_works_below_a_path() {
    through_caddy(
        "/chat",
        &[("\treverse_proxy", "\thandle /chat/* {\n\treverse_proxy"), ("\n\t}\n}", "\n\t}\n}\n}")],
    );
}
