//! Watches: one `kubectl get --watch` for each kind, restarted when it ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::node::Node;
use crate::programs::{CommandLine, Programs, RunError, RunningProgram};
use crate::status::Record;
use crate::up::Kubectl;
use crate::up::kubectl::now;
use crate::yaml;

/// The delay before a watch is restarted.
const RESTART_DELAY: Duration = Duration::from_millis(500);

/// A message from a watch thread, with the index of its kind.
enum WatchMessage {
    /// The watch was started; all existing objects follow.
    Started(usize),
    /// An event.
    Event(usize, Node),
    /// kubectl cannot be run.
    Failed(RunError),
}

/// Watches of several kinds in a namespace, and the current objects.
#[derive(Debug)]
pub(super) struct Watches {
    receiver: Receiver<WatchMessage>,
    /// The objects of each kind, by name.
    objects: Vec<BTreeMap<String, Node>>,
    running: Arc<Mutex<Vec<Option<RunningProgram>>>>,
    stopped: Arc<AtomicBool>,
}

impl Watches {
    /// Starts a watch for each kind.
    #[must_use]
    pub(super) fn start(kubectl: &Kubectl<'_>, namespace: &str, kinds: &[&str]) -> Self {
        let (sender, receiver) = mpsc::channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let running = Arc::new(Mutex::new(kinds.iter().map(|_| None).collect::<Vec<Option<RunningProgram>>>()));
        let in_namespace = format!("--namespace={namespace}");
        for (at, kind) in kinds.iter().enumerate() {
            let line = kubectl.line(["get", kind, &in_namespace, "--watch", "--output-watch-events", "--output=json"]);
            let watch = Watch {
                at,
                line,
                programs: kubectl.programs.clone(),
                sender: sender.clone(),
                running: Arc::clone(&running),
                stopped: Arc::clone(&stopped),
            };
            thread::spawn(move || watch.run());
        }
        Self { receiver, objects: kinds.iter().map(|_| BTreeMap::new()).collect(), running, stopped }
    }

    /// Processes the events that arrive within `time`. Returns whether there were any.
    ///
    /// # Errors
    /// If kubectl cannot be run.
    pub(super) fn wait(&mut self, time: Duration) -> Result<bool, RunError> {
        let until = Instant::now() + time;
        let mut has_events = false;
        loop {
            // Events in quick succession are processed together.
            let left =
                if has_events { Duration::from_millis(50) } else { until.saturating_duration_since(Instant::now()) };
            match self.receiver.recv_timeout(left) {
                Ok(WatchMessage::Started(at)) => self.objects[at].clear(),
                Ok(WatchMessage::Event(at, event)) => {
                    let object = &event["object"];
                    let name = object["metadata"]["name"].text().to_owned();
                    match event["type"].text() {
                        "DELETED" => _ = self.objects[at].remove(&name),
                        "ADDED" | "MODIFIED" => _ = self.objects[at].insert(name, object.clone()),
                        _ => continue,
                    }
                    has_events = true;
                }
                Ok(WatchMessage::Failed(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(has_events),
            }
        }
    }

    /// The current state as a record.
    #[must_use]
    pub(super) fn record(&self) -> Record {
        let mut record = Record { at: now(), ..Record::default() };
        for object in self.objects.iter().flat_map(BTreeMap::values) {
            record.add_one(object);
        }
        record
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

struct Watch {
    at: usize,
    line: CommandLine,
    programs: Programs,
    sender: Sender<WatchMessage>,
    running: Arc<Mutex<Vec<Option<RunningProgram>>>>,
    stopped: Arc<AtomicBool>,
}

impl Watch {
    fn run(&self) {
        while !self.stopped.load(Ordering::Relaxed) {
            let (running, stdout) = match self.programs.start(&self.line) {
                Ok(started) => started,
                Err(error) => {
                    _ = self.sender.send(WatchMessage::Failed(error));
                    return;
                }
            };
            match self.running.lock().unwrap_or_else(PoisonError::into_inner).get_mut(self.at) {
                Some(slot) => *slot = Some(running),
                None => return,
            }
            if self.sender.send(WatchMessage::Started(self.at)).is_err() {
                return;
            }
            for event in yaml::read_json_stream(stdout) {
                if self.sender.send(WatchMessage::Event(self.at, event)).is_err() {
                    return;
                }
            }
            thread::sleep(RESTART_DELAY);
        }
    }
}
