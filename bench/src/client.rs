//! The measuring side: one thread, requests made beforehand, nothing parsed that need not be.
use crate::http::{Message, request};
use crate::net;
use crate::proc::{Cpu, Tree};
use crate::stats::{ms_between, now_ns, percentile, sorted};
use anyhow::{Context, Result, bail, ensure};
use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// One request to one server, ready to be sent any number of times.
#[derive(Clone)]
pub struct Shot {
    /// where to
    pub addr: SocketAddr,
    /// every byte of it
    pub bytes: Vec<u8>,
}

impl Shot {
    /// A GET.
    pub fn get(addr: SocketAddr, path: &str, token: &str) -> Shot {
        let bytes = request("GET", path, Some(token), None);
        Shot { addr, bytes }
    }

    /// A POST of JSON.
    pub fn post(addr: SocketAddr, path: &str, token: &str, body: &str) -> Shot {
        let bytes = request("POST", path, Some(token), Some(body));
        Shot { addr, bytes }
    }
}

/// A blocking connection that is used again: the cheapest way to ask one thing at a time.
pub struct Caller {
    addr: SocketAddr,
    stream: Option<std::net::TcpStream>,
    answer: Message,
}

impl Caller {
    /// Connects at the first call.
    pub fn new(addr: SocketAddr) -> Caller {
        Caller { addr, stream: None, answer: Message::response() }
    }

    /// Sends these bytes and waits for the whole answer.
    pub fn call(&mut self, bytes: &[u8]) -> Result<&Message> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.addr)?,
        };
        stream.write_all(bytes)?;
        self.answer.clear();
        let mut buffer = [0; 16 << 10];
        while !self.answer.whole {
            match stream.read(&mut buffer)? {
                0 => self.answer.end()?,
                n => self.answer.push(&buffer[..n])?,
            }
        }
        if !self.answer.close {
            self.stream = Some(stream);
        }
        Ok(&self.answer)
    }

    /// As [`Caller::call`], timed; anything but 200 is a fault, told with the answer's beginning.
    pub fn timed(&mut self, bytes: &[u8]) -> Result<f64> {
        let start = now_ns();
        let answer = self.call(bytes)?;
        let took = ms_between(start, now_ns());
        ensure_ok(answer)?;
        Ok(took)
    }

    /// As [`Caller::call`], with the answer read as JSON.
    pub fn json(&mut self, bytes: &[u8]) -> Result<serde_json::Value> {
        let answer = self.call(bytes)?;
        ensure_ok(answer)?;
        serde_json::from_slice(&answer.body).context("the answer is not JSON")
    }
}

fn connect(addr: SocketAddr) -> Result<std::net::TcpStream> {
    let stream = std::net::TcpStream::connect_timeout(&addr, Duration::from_secs(5))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// 200, and 202 for what is begun and goes on.
pub fn ensure_ok(answer: &Message) -> Result<()> {
    let start = &answer.body[..answer.body.len().min(200)];
    ensure!(
        matches!(answer.status, 200 | 202),
        "status {}: {}",
        answer.status,
        String::from_utf8_lossy(start)
    );
    Ok(())
}

/// The same request to every target in turn (A B C, A B C, …), one connection each: what disturbs
/// the machine disturbs all alike, so differences hold where absolute times do not.
/// Gives for every target its times in order.
pub fn paired(targets: &[Shot], warm_up: usize, count: usize) -> Result<Vec<Vec<f64>>> {
    let mut callers: Vec<Caller> = targets.iter().map(|t| Caller::new(t.addr)).collect();
    let mut times = vec![Vec::with_capacity(count); targets.len()];
    for turn in 0..warm_up + count {
        for (index, (target, caller)) in targets.iter().zip(&mut callers).enumerate() {
            let took = caller.timed(&target.bytes)?;
            if turn >= warm_up {
                times[index].push(took);
            }
        }
    }
    Ok(times)
}

/// When a closed loop ends.
#[derive(Clone, Copy)]
pub enum Until {
    /// after that time, the first fifth of it unmeasured
    Seconds(f64),
    /// after that many answers
    Answers(usize),
}

/// What a closed loop saw.
pub struct Load {
    /// answers a second
    pub rate: f64,
    /// median and 99th percentile of the answers' times in milliseconds
    pub p50_ms: f64,
    /// see `p50_ms`
    pub p99_ms: f64,
    /// the server's processor time per answer in milliseconds
    pub cpu_ms: f64,
}

/// What the connections of a closed loop share.
struct Loop {
    shot: Shot,
    ends_at: u64,
    to_send: Cell<usize>,
    measuring: Cell<bool>,
    times: RefCell<Vec<f64>>,
}

/// Every connection sends its next request when its last answer has come.
pub fn closed_loop(shot: &Shot, connections: usize, until: Until, server: &Tree) -> Result<Load> {
    let (seconds, answers) = match until {
        Until::Seconds(seconds) => (seconds, usize::MAX),
        Until::Answers(answers) => (120.0, answers),
    };
    let warm_up = if answers == usize::MAX { Duration::from_secs_f64(seconds / 5.0) } else { Duration::ZERO };
    let shared = Rc::new(Loop {
        shot: shot.clone(),
        ends_at: now_ns() + (seconds * 1e9) as u64,
        to_send: Cell::new(answers),
        measuring: Cell::new(false),
        times: RefCell::new(Vec::new()),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (start, end, before, after) = LocalSet::new().block_on(&runtime, async {
        let mut tasks: Vec<_> =
            (0..connections).map(|_| tokio::task::spawn_local(one_connection(shared.clone()))).collect();
        tokio::time::sleep(warm_up).await;
        let (start, before) = (now_ns(), server.cpu());
        shared.measuring.set(true);
        for task in tasks.drain(..) {
            task.await??;
        }
        Ok::<(u64, u64, Cpu, Cpu), anyhow::Error>((start, now_ns(), before, server.cpu()))
    })?;
    let times = sorted(shared.times.take());
    if times.is_empty() {
        bail!("no answer within {seconds} s");
    }
    Ok(Load {
        rate: times.len() as f64 * 1000.0 / ms_between(start, end),
        p50_ms: percentile(&times, 0.5),
        p99_ms: percentile(&times, 0.99),
        cpu_ms: after.since(&before) / times.len() as f64,
    })
}

async fn one_connection(shared: Rc<Loop>) -> Result<()> {
    let mut stream = None;
    let mut answer = Message::response();
    while now_ns() < shared.ends_at && shared.to_send.get() > 0 {
        shared.to_send.set(shared.to_send.get() - 1);
        let mut open = match stream.take() {
            Some(open) => open,
            None => {
                let fresh = TcpStream::connect(shared.shot.addr).await?;
                fresh.set_nodelay(true)?;
                fresh
            }
        };
        let start = now_ns();
        open.write_all(&shared.shot.bytes).await?;
        answer.clear();
        let limit = Duration::from_secs(30);
        let came = tokio::time::timeout(limit, net::read(&mut open, &mut answer)).await?;
        ensure!(came?, "the connection was closed instead of an answer");
        ensure_ok(&answer)?;
        if shared.measuring.get() {
            shared.times.borrow_mut().push(ms_between(start, now_ns()));
        }
        if !answer.close {
            stream = Some(open);
        }
    }
    Ok(())
}
