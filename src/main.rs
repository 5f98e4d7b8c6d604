//! The `plimsoll` command.

use std::process::ExitCode;

// Faster than the C library's where threads make and drop many small things; the second series of it starts fast, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    plimsoll::cli::run(std::env::args_os())
}
