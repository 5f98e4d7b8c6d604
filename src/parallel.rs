//! Runs work on many items in parallel, with the results in the order of the items.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Calls `work` with every item, on this many threads (`None`: one per processor). Returns the results in the order of the
/// items.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], threads: Option<usize>, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = || thread::available_parallelism().map_or(1, NonZero::get);
    // Counting the processors takes several system calls, which is not worth it for one item.
    let threads = if items.len() < 2 { 1 } else { threads.unwrap_or_else(processors).min(items.len()) };
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(item), Some(result)) = (items.get(at), results.get(at)) else { break };
                    let output = work(item);
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(output);
                }
            });
        }
    });
    // Every item has a result: the scope waits for all threads.
    results.into_iter().filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [None, Some(0), Some(1), Some(3), Some(500)] {
            assert_eq!(
                in_parallel(&items, threads, |item| item * 2),
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
        assert!(in_parallel(&[0_usize; 0], None, |item| *item).is_empty());
    }
}
