//! Nothing outlives the tool: its children and folders are listed here, and are ended and removed
//! on an interrupt, on SIGTERM and when the run takes too long. (Normally their owners do it.)
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

static KEPT: Mutex<Kept> = Mutex::new(Kept { children: Vec::new(), folders: Vec::new() });

struct Kept {
    children: Vec<Pid>,
    folders: Vec<PathBuf>,
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child was started.
pub fn add_child(pid: Pid) {
    kept().children.push(pid);
}

/// A child is about to be waited for: from then on its number may belong to somebody else.
pub fn forget_child(pid: Pid) {
    kept().children.retain(|p| *p != pid);
}

/// A folder to be removed.
pub fn add_folder(path: &Path) {
    kept().folders.push(path.to_owned());
}

/// Watches for signals and the deadline from a thread of its own.
pub fn watch(deadline: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // inside the runtime, but before the thread: from here on no signal is lost
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        let why = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => "interrupted",
                _ = terminate.recv() => "asked to end",
                () = tokio::time::sleep(deadline) => "out of time",
            }
        });
        eprintln!("bench: {why}");
        let kept = kept();
        for pid in &kept.children {
            // SIGTERM, not SIGKILL: nginx has workers of its own to take along
            let _ = kill_process(*pid, Signal::TERM);
        }
        std::thread::sleep(Duration::from_millis(500));
        for folder in &kept.folders {
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(130);
    });
    Ok(())
}
