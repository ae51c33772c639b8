//! Children, and what the kernel says about them under /proc.
use crate::guard;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// A child process that ends with its owner.
pub struct Child {
    inner: std::process::Child,
    pid: Pid,
}

impl Child {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> Result<Child> {
        let program = command.get_program().to_owned();
        let inner = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let pid = Pid::from_child(&inner);
        guard::add_child(pid);
        Ok(Child { inner, pid })
    }

    /// Its standard output, where it was asked for.
    pub fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.inner.stdout.take()
    }

    /// Itself and all that it started, as they are now.
    pub fn tree(&self) -> Tree {
        let mut pids = vec![self.inner.id()];
        let mut next = 0;
        while let Some(&pid) = pids.get(next) {
            for task in numbers_in(&format!("/proc/{pid}/task")) {
                let list = fs::read_to_string(format!("/proc/{pid}/task/{task}/children"));
                let list = list.unwrap_or_default();
                pids.extend(list.split_whitespace().filter_map(|p| p.parse::<u32>().ok()));
            }
            next += 1;
        }
        Tree { pids }
    }

    /// Whether it ended within that time.
    fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if !matches!(self.inner.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        guard::forget_child(self.pid);
        let _ = kill_process(self.pid, Signal::TERM);
        if !self.ends_within(Duration::from_secs(5)) {
            let _ = self.inner.kill();
            let _ = self.inner.wait();
        }
    }
}

fn numbers_in(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

/// The processes of a server, to be looked at.
#[derive(Clone)]
pub struct Tree {
    pids: Vec<u32>,
}

/// A reading of the time spent on a processor.
#[derive(Clone, Copy)]
pub struct Cpu {
    fine_ms: f64,
    ticks_ms: f64,
}

impl Cpu {
    /// Milliseconds spent since an earlier reading. The fine count is exact, but loses threads that
    /// have ended; the ticks keep them, in steps of 10 ms. So the greater is nearer to the truth.
    pub fn since(&self, earlier: &Cpu) -> f64 {
        (self.fine_ms - earlier.fine_ms).max(self.ticks_ms - earlier.ticks_ms)
    }
}

/// Memory in KiB, summed over the processes.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// resident, shared pages counted in every process
    pub rss: f64,
    /// resident, shared pages divided among those who share them
    pub pss: f64,
}

impl Tree {
    /// Processor time so far.
    pub fn cpu(&self) -> Cpu {
        let tick_ms = 1000.0 / rustix::param::clock_ticks_per_second() as f64;
        let mut sum = Cpu { fine_ms: 0.0, ticks_ms: 0.0 };
        for pid in &self.pids {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // after the name, which may hold anything: state is field 0, utime 11, stime 12
            let rest = stat.rsplit(')').next().unwrap_or_default();
            let times = rest.split_whitespace().skip(11).take(2);
            let ticks: u64 = times.filter_map(|t| t.parse::<u64>().ok()).sum();
            sum.ticks_ms += ticks as f64 * tick_ms;
            for task in numbers_in(&format!("/proc/{pid}/task")) {
                let line = fs::read_to_string(format!("/proc/{pid}/task/{task}/schedstat"));
                let line = line.unwrap_or_default();
                let on_cpu = line.split(' ').next().and_then(|n| n.parse::<u64>().ok());
                sum.fine_ms += on_cpu.unwrap_or_default() as f64 / 1e6;
            }
        }
        sum
    }

    /// Memory now.
    pub fn memory(&self) -> Memory {
        let mut sum = Memory::default();
        for pid in &self.pids {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            for line in text.lines() {
                let mut words = line.split_whitespace();
                let (name, value) = (words.next(), words.next().and_then(|v| v.parse::<f64>().ok()));
                match (name, value) {
                    (Some("Rss:"), Some(kib)) => sum.rss += kib,
                    (Some("Pss:"), Some(kib)) => sum.pss += kib,
                    _ => {}
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_read() {
        let tree = Tree { pids: vec![std::process::id()] };
        let before = tree.cpu();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(30) {
            std::hint::black_box(0);
        }
        let spent = tree.cpu().since(&before);
        assert!(spent > 1.0 && spent < 5000.0, "{spent} ms");
        let memory = tree.memory();
        assert!(memory.pss > 100.0 && memory.rss >= memory.pss);
    }
}
