//! A progress bar on stderr. It is not drawn for short work, nor without a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::cli::output;

/// The duration up to which no bar is drawn.
const PATIENCE: Duration = Duration::from_millis(500);

/// The interval at which the bar is drawn.
const PACE: Duration = Duration::from_millis(100);

/// Does `work`, which counts finished items up to `total`, and shows the progress.
pub(super) fn watched<R>(total: usize, what: &str, work: impl FnOnce(&AtomicUsize) -> R) -> R {
    let done = AtomicUsize::new(0);
    if !io::stderr().is_terminal() || std::env::var_os("TERM").is_none_or(|term| term == "dumb") {
        return work(&done);
    }
    thread::scope(|scope| {
        // The channel closes when the work ends, even by a panic.
        let (working, over) = mpsc::channel::<()>();
        let count = &done;
        scope.spawn(move || watch(&over, count, total, what));
        let made = work(&done);
        drop(working);
        made
    })
}

fn watch(over: &mpsc::Receiver<()>, done: &AtomicUsize, total: usize, what: &str) {
    let mut wait = PATIENCE;
    while over.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = PACE;
        let bar = bar(done.load(Ordering::Relaxed), total, what, output::width());
        _ = write!(io::stderr().lock(), "\r{bar}\x1b[K");
    }
    if wait == PACE {
        _ = write!(io::stderr().lock(), "\r\x1b[K");
    }
}

/// `rendering [######      ] 512 of 1000`, no wider than the terminal.
fn bar(done: usize, total: usize, what: &str, width: usize) -> String {
    let count = format!("{done} of {total}");
    let room = width.min(80).saturating_sub(what.len() + count.len() + 5);
    let full = (room * done.min(total)).checked_div(total).unwrap_or(room);
    match room {
        0..8 => count.chars().take(width.saturating_sub(1)).collect(),
        _ => format!("{what} [{}{}] {count}", "#".repeat(full), " ".repeat(room - full)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fits_and_grows() {
        assert_eq!(bar(5, 10, "rendering", 41), "rendering [##########          ] 5 of 10");
        for width in [0, 1, 5, 20, 40, 1000] {
            for done in [0, 1, 999, 1000, 2000] {
                assert!(bar(done, 1000, "rendering", width).len() <= width.min(100), "{width}");
            }
        }
        assert_eq!(bar(0, 0, "x", 1), "");
    }
}
