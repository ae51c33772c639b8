//! `bench` measures gpt-assistant: it starts the built server before a fake upstream of its own,
//! uses it as clients do, and prints the table that README shows. See bench/README.md.
mod client;
mod guard;
mod http;
mod lab;
mod machine;
mod measure;
mod net;
mod nginx;
mod proc;
mod report;
mod script;
mod sse;
mod stand_in;
mod stats;
mod upstream;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use lab::{Effort, Lab, Server};
use report::{Figure, Report};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use script::Script;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use upstream::Upstream;

/// Measures gpt-assistant.
#[derive(Parser)]
struct Args {
    /// What to measure; all of it but growth when nothing is named
    what: Vec<Area>,
    /// The server's executable
    #[arg(long, default_value = "target/release/gpt-assistant")]
    server: PathBuf,
    /// Folder for data while measuring, and for bench.json; its disk is part of what is measured
    #[arg(long, default_value = "target")]
    work: PathBuf,
    /// Put the tables that were made into README.md and docs/PERFORMANCE.md of this folder, between their marks
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = ".", value_name = "FOLDER")]
    update: Option<PathBuf>,
    /// Little of everything, to see that it works
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    by_hand: Option<ByHand>,
}

#[derive(Subcommand)]
enum ByHand {
    /// The fake upstream alone
    Upstream {
        #[arg(long, default_value = "127.0.0.1:9100")]
        listen: SocketAddr,
    },
    /// A stand-in for the server, to try this tool out
    #[command(hide = true)]
    Serve,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Area {
    All,
    Idle,
    Chat,
    Picture,
    Streams,
    Login,
    History,
    Search,
    Import,
    /// What costs do as work grows; takes a quarter of an hour, so only when it is named
    Growth,
}

impl Area {
    /// In the table's order. At rest comes first: nginx has not worked then either.
    const EACH: [Area; 8] = [
        Area::Idle,
        Area::Chat,
        Area::Picture,
        Area::Streams,
        Area::Login,
        Area::History,
        Area::Search,
        Area::Import,
    ];

    fn name(self) -> &'static str {
        match self {
            Area::All => "All",
            Area::Idle => "Size, start, memory",
            Area::Chat => "Chat",
            Area::Picture => "Picture",
            Area::Streams => "Streams",
            Area::Login => "Login",
            Area::History => "History",
            Area::Search => "Search",
            Area::Import => "Import",
            Area::Growth => "Growth",
        }
    }

    fn measure(self, lab: &Lab) -> Result<Vec<Figure>> {
        match self {
            // tables of their own
            Area::All | Area::Growth => Ok(Vec::new()),
            Area::Idle => measure::idle::measure(lab),
            Area::Chat => measure::chat::measure(lab),
            Area::Picture => measure::picture::measure(lab),
            Area::Streams => measure::streams::measure(lab),
            Area::Login => measure::login::measure(lab),
            Area::History => measure::history::measure(lab),
            Area::Search => measure::search::measure(lab),
            Area::Import => measure::import::measure(lab),
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    raise_descriptors();
    match args.by_hand {
        Some(ByHand::Upstream { listen }) => {
            let upstream = Upstream::start(listen, Script::timed(100, 50))?;
            println!("fake upstream on http://{}/v1", upstream.addr);
            loop {
                std::thread::park();
            }
        }
        Some(ByHand::Serve) => stand_in::serve(),
        None => run(&args),
    }
}

/// Thousands of connections at once, on both sides.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, all);
}

fn run(args: &Args) -> Result<()> {
    let grow = args.what.contains(&Area::Growth);
    guard::watch(Duration::from_secs(60 * if grow { 60 } else { 20 }))?;
    let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
    let lab = Lab::open(&args.server, &args.work, effort)?;
    if lab.nginx.is_none() {
        eprintln!("bench: no nginx to compare with (Debian: apt-get install nginx)");
    }
    let report = Report {
        day: machine::today(),
        machine: machine::line(&args.work),
        version: Server::start(&lab, &lab.home("version")?)?.version.clone(),
        nginx: nginx::version(),
        figures: figures(args, &lab),
        growth: if grow { measure::growth::measure(&lab)? } else { Vec::new() },
    };
    let json = serde_json::to_string_pretty(&report.json())?;
    fs::write(args.work.join("bench.json"), json + "\n")?;
    let places =
        [("bench", "README.md", report.figures()), ("growth", "docs/PERFORMANCE.md", report.growth())];
    for (name, file, table) in places {
        let Some(table) = table else { continue };
        println!("{table}");
        if let Some(folder) = &args.update {
            let file = folder.join(file);
            let shown = file.display();
            let text = fs::read_to_string(&file).with_context(|| format!("{shown}"))?;
            let text = report::replace_between(&text, name, &table).with_context(|| format!("{shown}"))?;
            fs::write(&file, text)?;
        }
    }
    Ok(())
}

/// A measurement that fails costs its own lines only.
fn figures(args: &Args, lab: &Lab) -> Vec<Figure> {
    let all = args.what.is_empty() || args.what.contains(&Area::All);
    let mut figures = Vec::new();
    for area in Area::EACH {
        if !all && !args.what.contains(&area) {
            continue;
        }
        eprintln!("bench: {} …", area.name());
        match area.measure(lab) {
            Ok(lines) => figures.extend(lines),
            Err(fault) => {
                eprintln!("bench: {} not measured: {fault:#}", area.name());
                figures.push(Figure::missing(area.name(), format!("{fault:#}")));
            }
        }
    }
    figures
}
