//! Writes the manual and the completions of shells, made of the command line itself: `cargo run --example manual -- FOLDER`.

use anyhow::{Context, Result};
use clap_complete::{Shell, generate_to};
use std::path::PathBuf;

const NAME: &str = "gpt-assistant";

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("which folder?")?);
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    // A page for each command, as `man gpt-assistant-backup` asks for it.
    clap_mangen::generate_to(gpt_assistant::cli::command(), &man)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        generate_to(shell, &mut gpt_assistant::cli::command(), NAME, &completions)?;
    }
    Ok(())
}
