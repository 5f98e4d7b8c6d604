//! The `plimsoll` command.

use std::process::ExitCode;

// Faster than the C library's allocator if threads allocate and free many small objects; version 2 starts faster than
// version 3.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    plimsoll::cli::run(std::env::args_os())
}
