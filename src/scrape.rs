//! What the server tells whoever asks for its metrics. Nothing in it is of one person, one model or one conversation.

use crate::admin;
use crate::app::App;
use crate::error::Result;
use crate::metrics::Text;
use crate::store;
use rustix::process::{Resource, getrlimit};
use std::sync::atomic::Ordering::Relaxed;

/// All figures as OpenMetrics text.
pub fn text(app: &App) -> Result<String> {
    let mut text = Text::default();
    text.info("gpt_assistant_build", "The program.", &[("version", env!("CARGO_PKG_VERSION"))]);
    traffic(app, &mut text);
    answers(app, &mut text);
    storage(app, &mut text)?;
    process(app, &mut text);
    Ok(text.finish())
}

fn traffic(app: &App, text: &mut Text) {
    let metrics = &app.metrics;
    text.requests("gpt_assistant_requests", "Replies, by method, route and status.", metrics);
    let about = "How long requests took that wait for no model.";
    text.histogram("gpt_assistant_request_seconds", about, &metrics.request_seconds);
    text.gauge("gpt_assistant_connections", "Open connections.", metrics.connections.load(Relaxed));
    let refused = metrics.connections_refused.load(Relaxed);
    let about = "Connections that were refused because there were too many.";
    text.counter("gpt_assistant_connections_refused", about, refused);
    let about = "Until when the server's own certificate is good, in Unix seconds; 0: it has none.";
    let expires = metrics.certificate_expires.load(Relaxed);
    text.gauge("gpt_assistant_certificate_expires_timestamp_seconds", about, expires);
    let about = "Requests that came too often, by what was limited.";
    text.counters("gpt_assistant_rate_limited", about, "limit", &app.limits.refused());
}

fn answers(app: &App, text: &mut Text) {
    let metrics = &app.metrics;
    let running = *app.answers.count().borrow();
    text.gauge("gpt_assistant_answers_running", "Answers that are running.", running);
    let about = "Answers that have ended, by how.";
    text.counters("gpt_assistant_answers", about, "status", &metrics.answers.all());
    let about = "Calls to the model service that failed, by the code of the fault.";
    text.counters("gpt_assistant_upstream_errors", about, "code", &metrics.upstream_errors.all());
    let about = "From the call to the model service to the first word.";
    text.histogram("gpt_assistant_upstream_first_token_seconds", about, &metrics.first_token_seconds);
    text.counters("gpt_assistant_tokens", "Tokens, by kind.", "kind", &metrics.tokens.all());
}

fn storage(app: &App, text: &mut Text) -> Result<()> {
    let writes = app.store.writes();
    let about = "Writes that wait or are under way.";
    text.gauge("gpt_assistant_store_writes_waiting", about, writes.waiting.load(Relaxed));
    let about = "How long transactions took, each for all that waited, to be durable.";
    text.histogram("gpt_assistant_store_commit_seconds", about, &writes.commit_seconds);
    let failed = writes.failed.load(Relaxed);
    text.counter("gpt_assistant_store_commits_failed", "Transactions that came to nothing.", failed);
    let sessions = app.store.session_count(app.clock.now())?;
    text.gauge("gpt_assistant_sessions", "Logins that are good.", sessions);
    let data_dir = &app.config.server.data_dir;
    let bytes = |name: String| std::fs::metadata(data_dir.join(name)).map_or(0, |meta| meta.len());
    let (database, log) = (bytes(store::FILE.into()), bytes(format!("{}-wal", store::FILE)));
    text.gauge("gpt_assistant_database_bytes", "The database.", database);
    text.gauge("gpt_assistant_database_log_bytes", "The log beside the database.", log);
    if let Ok(disk) = rustix::fs::statvfs(data_dir) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        text.gauge("gpt_assistant_disk_free_bytes", "What is left where the data folder is.", free);
    }
    // 0 for never, so that "too long ago" is one rule.
    let backup = app.store.meta("last_backup")?.and_then(|at| at.parse::<i64>().ok()).unwrap_or(0);
    let about = "When the last backup was made by this program, in Unix seconds; 0: never.";
    text.gauge("gpt_assistant_last_backup_timestamp_seconds", about, backup);
    Ok(())
}

/// Under the names that every program gives these.
fn process(app: &App, text: &mut Text) {
    text.gauge("process_start_time_seconds", "When it was started, in Unix seconds.", app.started);
    if let Some(bytes) = admin::resident() {
        text.gauge("process_resident_memory_bytes", "Memory in use.", bytes);
    }
    if let Some(seconds) = processor_seconds() {
        text.counter("process_cpu_seconds", "Processor time used.", seconds);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Open files and connections.", open.count());
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        text.gauge("process_max_fds", "As many may be open.", most);
    }
}

/// User and system time by proc(5): the 14th and 15th word of `stat`, in ticks. The second word may hold anything.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let rest = stat.rsplit_once(')')?.1;
    let ticks = |at: usize| rest.split_whitespace().nth(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) as f64 / rustix::param::clock_ticks_per_second() as f64)
}
