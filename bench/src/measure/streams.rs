//! Streamed answers, many at once: what the server adds to the first token's way, what a token
//! costs, what a stream holds in memory, and whether every one of them is whole.
use crate::client::{Shot, ensure_ok};
use crate::http::Message;
use crate::lab::{Lab, Server};
use crate::proc::{Memory, Tree};
use crate::report::{Figure, Goal};
use crate::script::Script;
use crate::sse::{Dialect, Follow};
use crate::stats::{Spread, now_ns, percentile, sorted};
use anyhow::{Context, Result, ensure};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// What is streamed, and how many times at once.
#[derive(Clone, Copy)]
struct Plan {
    streams: usize,
    tokens: u64,
    /// within which they all begin: a crowd, not a starting gun
    ramp: Duration,
}

/// The way of the streams: who is asked, in which form the answer comes, whose time is counted.
struct Way {
    shot: Shot,
    dialect: Dialect,
    tree: Tree,
}

/// What a run saw.
struct Run {
    whole: f64,
    added_p50: f64,
    added_p99: f64,
    transit_p99: f64,
    cpu_us: f64,
    grown_kib: f64,
    rss_mb: f64,
}

/// Some streams at a brisk pace, then many at a slow one.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    let (some, many) = lab.effort.streams;
    let mut figures = brisk(lab, some)?;
    figures.extend(crowd(lab, many)?);
    Ok(figures)
}

fn plan(streams: usize, tokens: u64) -> Plan {
    Plan { streams, tokens, ramp: Duration::from_millis(1000 + 2 * streams as u64) }
}

fn brisk(lab: &Lab, streams: usize) -> Result<Vec<Figure>> {
    let plan = plan(streams, lab.effort.tokens.0);
    lab.upstream.play(Script::timed(plan.tokens, 50));
    let server = Server::start(lab, &lab.home("streams")?)?;
    let ours = our_way(&server)?;
    let nginx = lab.nginx.as_ref().map(|n| nginx_way(lab, n));
    let (mut own, mut proxy) = (Vec::new(), Vec::new());
    for _ in 0..lab.effort.rounds {
        own.push(run(&ours, plan)?);
        if let Some(way) = &nginx {
            proxy.push(run(way, plan)?);
        }
    }
    let line = |name: &str, unit, field: fn(&Run) -> f64| {
        figure(format!("{streams} streams: {name}"), unit, &own, &proxy, field)
    };
    Ok(vec![
        line("first token, added, p50", "ms", |r| r.added_p50).goal(Goal::AtMost(1.0)),
        line("first token, added, p99", "ms", |r| r.added_p99).goal(Goal::AtMost(12.0)),
        line("a token's way, p99", "ms", |r| r.transit_p99),
        line("processor time a token", "µs", |r| r.cpu_us).goal(Goal::AtMost(80.0)),
    ])
}

/// Every round on fresh processes: memory once taken is seldom given back.
fn crowd(lab: &Lab, streams: usize) -> Result<Vec<Figure>> {
    let plan = plan(streams, lab.effort.tokens.1);
    lab.upstream.play(Script::timed(plan.tokens, 200));
    let (mut own, mut proxy) = (Vec::new(), Vec::new());
    for round in 0..lab.effort.rounds {
        let server = Server::start(lab, &lab.home(&format!("crowd-{round}"))?)?;
        own.push(run(&our_way(&server)?, plan)?);
        drop(server);
        if let Some(nginx) = lab.another_nginx(&format!("crowd-nginx-{round}"))? {
            proxy.push(run(&nginx_way(lab, &nginx), plan)?);
        }
    }
    let line = |name: &str, unit, field: fn(&Run) -> f64| {
        figure(format!("{streams} streams: {name}"), unit, &own, &proxy, field)
    };
    Ok(vec![
        line("whole", "", |r| r.whole).goal(Goal::AtLeast(streams as f64)),
        line("first token, added, p50", "ms", |r| r.added_p50),
        line("first token, added, p99", "ms", |r| r.added_p99),
        line("processor time a token", "µs", |r| r.cpu_us),
        line("memory a stream (PSS)", "KiB", |r| r.grown_kib).goal(Goal::AtMost(80.0)),
        line("memory in all (RSS)", "MB", |r| r.rss_mb).goal(Goal::AtMost(110.0)),
    ])
}

/// What so many streams cost, each round on a fresh server that has had a first one. Few streams have
/// more tokens in the same time: the clock of processor time ticks in steps of 10 ms.
pub fn cost(lab: &Lab, streams: usize) -> Result<[Spread; 3]> {
    let few = lab.effort.tokens.1;
    let tokens = few.max(20 * few / streams as u64);
    let plan = plan(streams, tokens);
    lab.upstream.play(Script::timed(tokens, 200 * few / tokens));
    let mut runs = Vec::new();
    for round in 0..lab.effort.rounds {
        let server = Server::start(lab, &lab.home(&format!("grow-streams-{streams}-{round}"))?)?;
        let way = our_way(&server)?;
        run(&way, Plan { streams: 1, ramp: Duration::ZERO, ..plan })?;
        let seen = run(&way, plan)?;
        ensure!(seen.whole == streams as f64, "{} of {streams} streams are whole", seen.whole);
        runs.push(seen);
    }
    let of = |field: fn(&Run) -> f64| Spread::of(runs.iter().map(field));
    Ok([of(|r| r.cpu_us), of(|r| r.grown_kib), of(|r| r.added_p99)])
}

fn figure(name: String, unit: &'static str, own: &[Run], proxy: &[Run], field: fn(&Run) -> f64) -> Figure {
    let nginx = (!proxy.is_empty()).then(|| Spread::of(proxy.iter().map(field)));
    Figure::new(name, unit, Spread::of(own.iter().map(field))).nginx(nginx)
}

fn our_way(server: &Server) -> Result<Way> {
    Ok(Way { shot: server.chat(&server.register()?, true), dialect: Dialect::Ours, tree: server.tree() })
}

fn nginx_way(lab: &Lab, nginx: &crate::nginx::Nginx) -> Way {
    Way { shot: lab.completion(nginx.addr, true), dialect: Dialect::Upstream, tree: nginx.tree() }
}

fn run(way: &Way, plan: Plan) -> Result<Run> {
    let before = (way.tree.cpu(), way.tree.memory());
    let over = AtomicBool::new(false);
    let (follows, peak) = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| peak_memory(&way.tree, &over));
        let follows = follow_all(way, plan);
        over.store(true, Relaxed);
        (follows, sampler.join().unwrap_or_default())
    });
    let cpu_ms = way.tree.cpu().since(&before.0);
    let follows = follows?;
    let tokens: u64 = follows.iter().map(|f| f.tokens).sum();
    let added = sorted(follows.iter().map(|f| f.added_ms).collect());
    let transit = follows.iter().flat_map(|f| f.transit_ms.iter().copied());
    Ok(Run {
        whole: follows.len() as f64,
        added_p50: percentile(&added, 0.5),
        added_p99: percentile(&added, 0.99),
        transit_p99: percentile(&sorted(transit.collect()), 0.99),
        cpu_us: cpu_ms * 1000.0 / tokens as f64,
        grown_kib: (peak.pss - before.1.pss) / plan.streams as f64,
        rss_mb: peak.rss * 1024.0 / 1e6,
    })
}

/// The greatest of samples. Not many: the kernel walks all pages for each.
fn peak_memory(tree: &Tree, over: &AtomicBool) -> Memory {
    let mut peak = tree.memory();
    let mut count = 0;
    while !over.load(Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
        count += 1;
        if count % 10 == 0 {
            let now = tree.memory();
            peak.pss = peak.pss.max(now.pss);
            peak.rss = peak.rss.max(now.rss);
        }
    }
    peak
}

/// Gives the whole ones; what was wrong with the first that is not goes to standard error.
fn follow_all(way: &Way, plan: Plan) -> Result<Vec<Follow>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = LocalSet::new().block_on(&runtime, async {
        let mut tasks = Vec::new();
        for number in 0..plan.streams {
            let start = plan.ramp.mul_f64(number as f64 / plan.streams as f64);
            let (shot, dialect) = (way.shot.clone(), way.dialect);
            tasks.push(tokio::task::spawn_local(async move {
                tokio::time::sleep(start).await;
                let limit = Duration::from_secs(60);
                let follow = follow_one(&shot, dialect, plan.tokens);
                tokio::time::timeout(limit, follow).await.context("no end")?
            }));
        }
        let mut results: Vec<Result<Follow>> = Vec::new();
        for task in tasks {
            results.push(task.await.map_err(Into::into).flatten());
        }
        results
    });
    let (whole, broken): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    if let Some(Err(fault)) = broken.first() {
        eprintln!("bench: {} streams not whole: {fault:#}", broken.len());
    }
    ensure!(!whole.is_empty(), "not one stream was whole");
    Ok(whole.into_iter().flatten().collect())
}

async fn follow_one(shot: &Shot, dialect: Dialect, tokens: u64) -> Result<Follow> {
    let mut stream = TcpStream::connect(shot.addr).await?;
    stream.set_nodelay(true)?;
    let mut follow = Follow::new(dialect, now_ns());
    stream.write_all(&shot.bytes).await?;
    let mut answer = Message::response();
    let mut buffer = [0; 4 << 10];
    while !answer.whole {
        let read = stream.read(&mut buffer).await?;
        let came_at = now_ns();
        match read {
            0 => answer.end()?,
            n => answer.push(&buffer[..n])?,
        }
        if answer.status == 200 {
            follow.push(&answer.body, came_at)?;
            answer.body.clear();
        }
    }
    ensure_ok(&answer)?;
    ensure!(follow.ended, "no end was said");
    let came = follow.tokens;
    ensure!(came == tokens, "{came} tokens of {tokens}");
    Ok(follow)
}
