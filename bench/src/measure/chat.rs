//! A plain chat: sent, answered by the upstream, stored, returned.
use crate::client::{Caller, Load, Shot, Until, closed_loop, paired};
use crate::lab::{Lab, Server};
use crate::proc::Tree;
use crate::report::{Figure, Goal};
use crate::script::Script;
use crate::stats::{Spread, percentile, sorted};
use anyhow::{Context, Result, ensure};

/// One of the ways that are compared.
struct Way {
    shot: Shot,
    tree: Tree,
}

/// Latency at one connection, throughput at 64.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    lab.upstream.play(Script::AT_ONCE);
    let server = Server::start(lab, &lab.home("chat")?)?;
    let token = server.register()?;
    check(&server, &token)?;
    let ours = Way { shot: server.chat(&token, false), tree: server.tree() };
    let nginx =
        lab.nginx.as_ref().map(|nginx| Way { shot: lab.completion(nginx.addr, false), tree: nginx.tree() });
    let direct = lab.completion(lab.upstream.addr, false);
    let mut figures = latency(lab, &direct, &ours, nginx.as_ref())?;
    figures.extend(throughput(lab, &ours, nginx.as_ref())?);
    Ok(figures)
}

/// One chat looked at closely, before thousands are only counted.
fn check(server: &Server, token: &str) -> Result<()> {
    let answer = Caller::new(server.addr).json(&server.chat(token, false).bytes)?;
    let reply = answer["reply"].as_str().context("no reply")?;
    let wanted = Script::AT_ONCE.reply_bytes;
    ensure!(reply.len() == wanted, "{} bytes of reply", reply.len());
    ensure!(answer["status"] == "complete", "{}", answer["status"]);
    Ok(())
}

fn latency(lab: &Lab, direct: &Shot, ours: &Way, nginx: Option<&Way>) -> Result<Vec<Figure>> {
    let mut targets = vec![direct.clone(), ours.shot.clone()];
    targets.extend(nginx.map(|way| way.shot.clone()));
    let spreads = added(&targets, lab.effort.rounds, lab.effort.requests)?;
    let proxy = spreads.get(2);
    Ok(vec![
        Figure::new("Chat, stored: added latency, p50", "ms", spreads[1].0)
            .nginx(proxy.map(|s| s.0))
            .goal(Goal::AtMost(0.45)),
        Figure::new("Chat, stored: added latency, p99", "ms", spreads[1].1)
            .nginx(proxy.map(|s| s.1))
            .goal(Goal::AtMost(1.0)),
    ])
}

/// What each way adds to the first one's time: median of the paired differences, and difference of the p99.
pub fn added(targets: &[Shot], rounds: usize, count: usize) -> Result<Vec<(Spread, Spread)>> {
    let mut added: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); targets.len()];
    for _ in 0..rounds {
        let times = paired(targets, count / 10, count)?;
        let base_p99 = percentile(&sorted(times[0].clone()), 0.99);
        for (way, own) in added.iter_mut().zip(&times) {
            let differences = own.iter().zip(&times[0]).map(|(own, base)| own - base);
            way.0.push(percentile(&sorted(differences.collect()), 0.5));
            way.1.push(percentile(&sorted(own.clone()), 0.99) - base_p99);
        }
    }
    Ok(added.into_iter().map(|(p50, p99)| (Spread::of(p50), Spread::of(p99))).collect())
}

fn throughput(lab: &Lab, ours: &Way, nginx: Option<&Way>) -> Result<Vec<Figure>> {
    let run = |way: &Way| closed_loop(&way.shot, 64, Until::Seconds(lab.effort.seconds), &way.tree);
    let (mut own, mut proxy) = (Vec::new(), Vec::new());
    for _ in 0..lab.effort.rounds {
        own.push(run(ours)?);
        if let Some(way) = nginx {
            proxy.push(run(way)?);
        }
    }
    let of = |loads: &[Load], field: fn(&Load) -> f64| {
        (!loads.is_empty()).then(|| Spread::of(loads.iter().map(field)))
    };
    let line = |name, unit, field: fn(&Load) -> f64| {
        Figure::new(name, unit, Spread::of(own.iter().map(field))).nginx(of(&proxy, field))
    };
    let mut figures = vec![
        line("Chats a second, 64 connections", "/s", |l| l.rate),
        line("… time of one, p50", "ms", |l| l.p50_ms),
        line("… time of one, p99", "ms", |l| l.p99_ms),
        line("… processor time of one", "ms", |l| l.cpu_ms).goal(Goal::AtMost(0.1)),
    ];
    // round by round, because the two of a round saw the same machine
    let ratios = own.iter().zip(&proxy).map(|(own, proxy)| own.rate / proxy.rate);
    let ratio = if proxy.is_empty() {
        Figure::missing("… as a share of nginx's", "nginx is not installed")
    } else {
        Figure::new("… as a share of nginx's", "", Spread::of(ratios))
    };
    figures.insert(1, ratio.goal(Goal::AtLeast(0.2)));
    Ok(figures)
}
