//! nginx as a plain proxy before the fake upstream: no accounts, nothing stored. What it takes is
//! what the machine asks for passing an answer on, and so the measure for all above it.
use crate::proc::{Child, Tree};
use anyhow::{Result, ensure};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx.
pub struct Nginx {
    child: Child,
    /// where it listens
    pub addr: SocketAddr,
}

/// `nginx version: nginx/1.22.1` gives `1.22.1`; nothing when it is not installed.
pub fn version() -> Option<String> {
    let output = Command::new("nginx").arg("-v").output().ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    Some(text.trim().rsplit('/').next()?.to_owned())
}

impl Nginx {
    /// Starts it, with all its files in that folder.
    pub fn start(upstream: SocketAddr, folder: &Path) -> Result<Nginx> {
        // a free port; nginx itself cannot say which one it took
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config(addr, upstream))?;
        let log = std::fs::File::create(folder.join("nginx.log"))?;
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = Child::spawn(&mut command)?;
        let start = Instant::now();
        while TcpStream::connect(addr).is_err() {
            ensure!(
                start.elapsed() < Duration::from_secs(5),
                "nginx does not listen: {}",
                std::fs::read_to_string(folder.join("nginx.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Nginx { child, addr })
    }

    /// Its master and its workers.
    pub fn tree(&self) -> Tree {
        self.child.tree()
    }
}

/// Keep-alive on both sides, nothing held back, no log of requests; no limit on bodies, and none on
/// the requests of a connection, whose default of 1,000 would put reconnecting into the figures.
fn config(addr: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 100000000;
  client_max_body_size 0;
  upstream fake {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {addr} backlog=4096;
    location / {{
      proxy_pass http://fake;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_request_buffering off;
    }}
  }}
}}
"
    )
}
