//! Watching: one `kubectl get --watch` a kind, started again when it breaks off.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::node::Node;
use crate::programs::{CommandLine, Programs, RunError, Running};
use crate::status::Record;
use crate::up::Kubectl;
use crate::up::kubectl::now;
use crate::yaml;

/// How long is waited before a watch that broke off is started again.
const PAUSE: Duration = Duration::from_millis(500);

/// What a watch says.
enum Message {
    /// It begins: what it knew of its kind before is told anew.
    Begins(usize),
    /// One event.
    Event(usize, Node),
    /// It cannot be run at all.
    Fails(RunError),
}

/// Watches of several kinds in one namespace, and what they have told.
#[derive(Debug)]
pub(super) struct Watches {
    receiver: Receiver<Message>,
    /// The objects of each kind, by name.
    objects: Vec<BTreeMap<String, Node>>,
    running: Arc<Mutex<Vec<Option<Running>>>>,
    over: Arc<AtomicBool>,
}

impl Watches {
    /// Starts one watch a kind.
    #[must_use]
    pub(super) fn start(kubectl: &Kubectl<'_>, namespace: &str, kinds: &[&str]) -> Self {
        let (sender, receiver) = mpsc::channel();
        let over = Arc::new(AtomicBool::new(false));
        let running = Arc::new(Mutex::new(kinds.iter().map(|_| None).collect::<Vec<Option<Running>>>()));
        let in_namespace = format!("--namespace={namespace}");
        for (at, kind) in kinds.iter().enumerate() {
            let line = kubectl.line(["get", kind, &in_namespace, "--watch", "--output-watch-events", "--output=json"]);
            let watch = Watch {
                at,
                line,
                programs: kubectl.programs.clone(),
                sender: sender.clone(),
                running: Arc::clone(&running),
                over: Arc::clone(&over),
            };
            thread::spawn(move || watch.run());
        }
        Self { receiver, objects: kinds.iter().map(|_| BTreeMap::new()).collect(), running, over }
    }

    /// Takes in what comes within some time; whether anything did.
    ///
    /// # Errors
    /// Where a watch cannot be run at all.
    pub(super) fn wait(&mut self, time: Duration) -> Result<bool, RunError> {
        let until = Instant::now() + time;
        let mut news = false;
        loop {
            // What comes together is looked at together.
            let left = if news { Duration::from_millis(50) } else { until.saturating_duration_since(Instant::now()) };
            match self.receiver.recv_timeout(left) {
                Ok(Message::Begins(at)) => self.objects[at].clear(),
                Ok(Message::Event(at, event)) => {
                    let object = &event["object"];
                    let name = object["metadata"]["name"].text().to_owned();
                    match event["type"].text() {
                        "DELETED" => _ = self.objects[at].remove(&name),
                        "ADDED" | "MODIFIED" => _ = self.objects[at].insert(name, object.clone()),
                        _ => continue,
                    }
                    news = true;
                }
                Ok(Message::Fails(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(news),
            }
        }
    }

    /// What is known now.
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
        self.over.store(true, Ordering::Relaxed);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

struct Watch {
    at: usize,
    line: CommandLine,
    programs: Programs,
    sender: Sender<Message>,
    running: Arc<Mutex<Vec<Option<Running>>>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn run(&self) {
        while !self.over.load(Ordering::Relaxed) {
            let (running, stdout) = match self.programs.start(&self.line) {
                Ok(started) => started,
                Err(error) => {
                    _ = self.sender.send(Message::Fails(error));
                    return;
                }
            };
            match self.running.lock().unwrap_or_else(PoisonError::into_inner).get_mut(self.at) {
                Some(place) => *place = Some(running),
                None => return,
            }
            if self.sender.send(Message::Begins(self.at)).is_err() {
                return;
            }
            for event in yaml::read_json_stream(stdout) {
                if self.sender.send(Message::Event(self.at, event)).is_err() {
                    return;
                }
            }
            thread::sleep(PAUSE);
        }
    }
}
