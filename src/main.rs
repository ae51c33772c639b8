//! The executable: everything is in the library.

use std::process::ExitCode;

/// What is shipped is linked with musl, whose own allocator lets one thread in at a time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gpt_assistant::cli::run()
}
