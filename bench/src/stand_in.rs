//! A stand-in for the server, only to try this tool out: it speaks just enough of the real one's
//! routes, counts turns in place of storing them and checks nothing. `bench --server` with this
//! program's own path starts it as it would start the real one.
use crate::http::{Message, request, response};
use crate::net;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Serves until it is stopped.
pub fn serve() -> Result<()> {
    let base = std::env::var("GPT_ASSISTANT_UPSTREAM__BASE_URL").unwrap_or_default();
    let upstream = base
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next())
        .context("GPT_ASSISTANT_UPSTREAM__BASE_URL is not set")?;
    let upstream: SocketAddr = upstream.parse()?;
    let turns = Arc::new(AtomicU64::new(0));
    let addr = net::serve(([127, 0, 0, 1], 0).into(), move |client| {
        let connection = Connection { client, upstream: None, addr: upstream, turns: turns.clone() };
        connection.serve()
    })?;
    println!("gpt-assistant 0.0.0-stand-in listening on http://{addr}");
    loop {
        std::thread::park();
    }
}

struct Connection {
    client: TcpStream,
    upstream: Option<TcpStream>,
    addr: SocketAddr,
    turns: Arc<AtomicU64>,
}

impl Connection {
    async fn serve(mut self) -> Result<()> {
        let mut asked = Message::request();
        while net::read(&mut self.client, &mut asked).await? {
            let path = asked.path.split('?').next().unwrap_or_default().to_owned();
            if path == "/api/chat" {
                let body: Value = serde_json::from_slice(&asked.body)?;
                let id = self.turns.fetch_add(1, Relaxed) + 1;
                if body["stream"] == true {
                    self.stream(id).await?;
                } else {
                    let mut reply = String::new();
                    self.ask(async |_, text| {
                        reply.push_str(text);
                        Ok(())
                    })
                    .await?;
                    let body = json!({"id": id, "reply": reply, "status": "complete"});
                    self.answer(&body).await?;
                }
            } else {
                if path == "/api/import" {
                    let turns = memchr::memmem::find_iter(&asked.body, r#""role":"user""#).count();
                    self.turns.fetch_add(turns as u64, Relaxed);
                }
                let body = canned(&path, &asked.body, self.turns.load(Relaxed));
                self.answer(&body).await?;
            }
            asked.clear();
        }
        Ok(())
    }

    async fn answer(&mut self, body: &Value) -> Result<()> {
        let status = if body.is_null() { "404 Not Found" } else { "200 OK" };
        let bytes = response(status, "application/json", &body.to_string());
        Ok(self.client.write_all(&bytes).await?)
    }

    async fn stream(&mut self, id: u64) -> Result<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        self.client.write_all(head.as_bytes()).await?;
        event(&mut self.client, "turn", &json!({"id": id})).await?;
        let mut reply = String::new();
        self.ask(async |client, text| {
            reply.push_str(text);
            event(client, "delta", &json!({"text": text})).await
        })
        .await?;
        let done = json!({"id": id, "status": "complete", "reply": reply});
        event(&mut self.client, "done", &done).await?;
        Ok(self.client.write_all(b"0\r\n\r\n").await?)
    }

    /// Asks the upstream and hands on its text as it comes.
    async fn ask(&mut self, mut on_text: impl AsyncFnMut(&mut TcpStream, &str) -> Result<()>) -> Result<()> {
        let mut upstream = match self.upstream.take() {
            Some(open) => open,
            None => TcpStream::connect(self.addr).await?,
        };
        let body = r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;
        let bytes = request("POST", "/v1/chat/completions", None, Some(body));
        upstream.write_all(&bytes).await?;
        let mut answer = Message::response();
        let mut buffer = [0; 4 << 10];
        while !answer.whole {
            let read = upstream.read(&mut buffer).await?;
            ensure!(read > 0, "the upstream left");
            answer.push(&buffer[..read])?;
            while let Some(end) = memchr::memmem::find(&answer.body, b"\n\n") {
                let event: Vec<u8> = answer.body.drain(..end + 2).collect();
                let data = event.strip_prefix(b"data: ").unwrap_or_default();
                let chunk: Value = serde_json::from_slice(data).unwrap_or_default();
                let text = chunk["choices"][0]["delta"]["content"].as_str();
                if let Some(text) = text.filter(|t| !t.is_empty()) {
                    on_text(&mut self.client, text).await?;
                }
            }
        }
        self.upstream = Some(upstream);
        Ok(())
    }
}

async fn event(client: &mut TcpStream, name: &str, data: &Value) -> Result<()> {
    let text = format!("event: {name}\ndata: {data}\n\n");
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    Ok(client.write_all(chunk.as_bytes()).await?)
}

/// What the other routes answer.
fn canned(path: &str, body: &[u8], turns: u64) -> Value {
    match path {
        "/api/health" => json!({"status": "ok"}),
        "/api/register" | "/api/login" => json!({"token": "stand-in", "user": {"id": 1}}),
        "/api/chat/history" => {
            let row = |n| json!({"id": turns - n, "prompt": "p", "response": "r"});
            (0..turns.min(50)).map(row).collect()
        }
        "/api/stat/token-usage" => json!({"days": [], "total": 102 * turns}),
        "/api/import" => {
            // what was sent is taken for stored
            let file: Value = serde_json::from_slice(body).unwrap_or_default();
            json!({"id": file.as_array().map_or(0, Vec::len), "status": "running"})
        }
        "/api/files" => json!({"id": 1}),
        // as long as the picture that a chat is measured with
        "/api/files/1" => json!("x".repeat(2_000_000)),
        "/api/search" => json!({"results": [{"turn_id": 1}]}),
        _ => match path.strip_prefix("/api/import/") {
            Some(count) => {
                let count: u64 = count.parse().unwrap_or_default();
                json!({"status": "done", "total": count, "imported": count})
            }
            None => Value::Null,
        },
    }
}
