//! `backup`, `restore`, `export` and `import`.

use super::progress::{Progress, Unit};
use super::{Failure, Places, users};
use crate::backup;
use crate::export::{self, Format};
use crate::import::{self, State};
use anyhow::{Context, anyhow};
use clap::ValueEnum;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How an export is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatName {
    Json,
    Markdown,
    Openwebui,
}

pub fn backup(places: &Places, file: &Path, with_keys: bool) -> Result<(), Failure> {
    let app = places.app()?;
    let mut progress = Progress::new("backup", Unit::Bytes);
    backup::write(&app, file, with_keys, &mut |done, total| progress.tell(done, total))?;
    drop(progress);
    let keys =
        if with_keys { "with its master key: keep it where nobody else can read it" } else { "without keys" };
    Ok(writeln!(std::io::stdout(), "{} is written, {keys}", file.display())?)
}

#[expect(clippy::print_stderr, reason = "what a person must know beside the result")]
pub fn restore(places: &Places, file: &Path) -> Result<(), Failure> {
    let config = places.load()?;
    let data_dir = &config.server.data_dir;
    let mut progress = Progress::new("restore", Unit::Bytes);
    let restored = backup::restore(file, data_dir, &mut |done, total| progress.tell(done, total))?;
    drop(progress);
    if restored.cleared_keys > 0 {
        eprintln!(
            "gpt-assistant: the backup holds no master key; {} API keys were cleared and must be entered again",
            restored.cleared_keys
        );
    }
    Ok(writeln!(std::io::stdout(), "{} files are back in {}", restored.files, data_dir.display())?)
}

pub fn export(places: &Places, email: &str, file: &Path, format: FormatName) -> Result<(), Failure> {
    let app = places.app()?;
    let user = users::find(&app, email)?;
    let format = match format {
        FormatName::Json => Format::Json,
        FormatName::Markdown => Format::Markdown,
        FormatName::Openwebui => Format::OpenWebUi,
    };
    let draft = file.with_extension("part");
    let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let out = out.with_context(|| format!("{} cannot be written", draft.display()))?;
    let mut progress = Progress::new("export", Unit::Conversations);
    let mut tell = |done: usize, total: usize| progress.tell(done as u64, total as u64);
    let written = export::account(&app, &user, format, out, &mut tell).map_err(anyhow::Error::from);
    let written = written.and_then(|out| Ok(out.sync_all()?)).and_then(|()| Ok(fs::rename(&draft, file)?));
    if let Err(error) = written {
        let _ = fs::remove_file(&draft);
        return Err(anyhow!(error).context(format!("{} cannot be written", file.display())).into());
    }
    drop(progress);
    Ok(writeln!(std::io::stdout(), "{} holds everything of {}", file.display(), user.email)?)
}

/// What could not be taken in goes to standard error, a line each. Exit status 1 when there is any such thing.
#[expect(clippy::print_stderr, reason = "what a person must know beside the result")]
pub fn import(places: &Places, email: &str, file: &Path) -> Result<(), Failure> {
    let app = places.app()?;
    let user = users::find(&app, email)?;
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut progress = Progress::new("import", Unit::Percent);
    let report =
        import::file(&app, user.id, opened, &mut |report| progress.tell(report.progress.into(), 100))
            .with_context(|| file.display().to_string())?;
    drop(progress);
    for problem in &report.problems {
        let about = if problem.title.is_empty() { String::new() } else { format!("{}: ", problem.title) };
        eprintln!("gpt-assistant: {about}{}", problem.reason);
    }
    writeln!(
        std::io::stdout(),
        "{} conversations of {} ({}): {} imported, {} updated, {} skipped, {} failed",
        report.total,
        user.email,
        report.format,
        report.imported,
        report.updated,
        report.skipped,
        report.failed
    )?;
    if report.status == State::Done && report.failed == 0 {
        return Ok(());
    }
    Err(anyhow!("not everything was imported").into())
}
