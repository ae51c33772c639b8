//! What the server takes when nobody uses it: size, start, memory.
use crate::lab::{Lab, Server};
use crate::report::{Figure, Goal};
use crate::script::Script;
use crate::stats::Spread;
use anyhow::Result;
use std::time::Duration;

const MB: f64 = 1e6;
const KIB: f64 = 1024.0;

/// Executable, first and later starts, memory at rest.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    lab.upstream.play(Script::AT_ONCE);
    let size = std::fs::metadata(&lab.executable)?.len() as f64 / MB;
    let (mut first, mut later, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..lab.effort.rounds.max(3) {
        let home = lab.home(&format!("idle-{round}"))?;
        let fresh = Server::start(lab, &home)?;
        first.push(fresh.start_ms);
        fresh.register()?;
        drop(fresh);
        let server = Server::start(lab, &home)?;
        later.push(server.start_ms);
        // its start ends with one request answered; then it comes to rest
        std::thread::sleep(Duration::from_secs(1));
        memory.push(server.tree().memory().rss * KIB / MB);
    }
    let nginx = lab.nginx.as_ref().map(|nginx| nginx.tree().memory().rss);
    Ok(vec![
        Figure::new("Executable, all in it", "MB", size).goal(Goal::AtMost(12.0)),
        Figure::new("Start to first answer, new data folder", "ms", Spread::of(first))
            .goal(Goal::AtMost(50.0)),
        Figure::new("Start to first answer", "ms", Spread::of(later)).goal(Goal::AtMost(50.0)),
        Figure::new("Memory at rest (RSS)", "MB", Spread::of(memory))
            .nginx(nginx.map(|kib| (kib * KIB / MB).into()))
            .goal(Goal::AtMost(12.0)),
    ])
}
