//! `packaging/nginx.conf`, by Debian's nginx.

use crate::visit::Site;
use crate::{Beside, example};
use std::process::Command;

/// What Debian's own file says around it, in a folder of the test.
const AROUND: &str = "
    daemon off; pid nginx.pid; error_log stderr; USER
    events {}
    http {
        access_log off;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path other; uwsgi_temp_path other; scgi_temp_path other;
        include gpt-assistant.conf;
    }";

fn through_nginx(below: &'static str, changes: &[(&str, &str)]) {
    let site = Site::new(below);
    let listen = format!("listen 127.0.0.1:{} ssl", site.port);
    let mut all = vec![
        ("127.0.0.1:8080", site.behind.as_str()),
        ("listen 443 ssl", &listen),
        ("/etc/letsencrypt/live/chat.example.org/fullchain.pem", &site.certificate),
        ("/etc/letsencrypt/live/chat.example.org/privkey.pem", &site.key),
    ];
    all.extend(changes);
    site.place.write("gpt-assistant.conf", &example("nginx.conf", &all));
    // Its workers cannot go into a folder of root's otherwise.
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let around = site.place.write("nginx.conf", &AROUND.replace("USER", user));
    let _nginx = Beside::start(Command::new("nginx").args([
        "-p",
        &site.place.path().to_string_lossy(),
        "-e",
        "stderr",
        "-c",
        &around,
    ]));
    site.visit();
}

#[test]
fn the_example_for_nginx_works() {
    through_nginx("", &[]);
}

#[test]
fn the_example_for_nginx_works_below_a_path() {
    through_nginx(
        "/chat",
        &[("location / {", "location /chat/ {"), ("= /api/import {", "= /chat/api/import {")],
    );
}
