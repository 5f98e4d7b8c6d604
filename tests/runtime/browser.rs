//! Tests of the HTML pages in headless Chromium, controlled through a pipe.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The timeout of any browser operation, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Browser {
    child: Child,
    to: File,
    from: Receiver<Json>,
    folder: tempfile::TempDir,
    session: String,
    sent: u64,
    /// Events received from the page: messages, errors and requests.
    events: Vec<Json>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Browser {
    fn new() -> Self {
        let version = Command::new("chromium").arg("--version").output();
        assert!(version.is_ok_and(|output| output.status.success()), "no chromium: ./test installs it");
        let folder = tempfile::tempdir().unwrap();
        let pipes = ["to", "from"].map(|name| folder.path().join(name));
        assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
        // Chromium reads from file descriptor 3 and writes to 4.
        let child = Command::new("sh")
            .args(["-c", r#"exec 3<"$0" 4>"$1"; shift; exec chromium "$@""#])
            .args(&pipes)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A FIFO that is opened for reading and writing does not block until its other end is opened.
        let open = |path: &PathBuf| OpenOptions::new().read(true).write(true).open(path).unwrap();
        let (to, mut out) = (open(&pipes[0]), BufReader::new(open(&pipes[1])));
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Self { child, to, from, folder, session: String::new(), sent: 0, events: Vec::new() };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let session = browser.ask("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    fn ask(&mut self, method: &str, params: Json) -> Json {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.from.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{method}: {error}"));
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// The value of an expression in the page.
    fn value(&mut self, expression: &str) -> Json {
        let answer = self.ask("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression evaluates to a string, since the browser follows links asynchronously.
    fn becomes(&mut self, expression: &str, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.value(expression) != json!(text) {
            assert!(Instant::now() < deadline, "{expression} is {}, not {text}", self.value(expression));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn words(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Opens a file in a window of this width, with this colour scheme.
    fn open(&mut self, path: &Path, width: u32, scheme: &str) {
        let screen = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.ask("Emulation.setDeviceMetricsOverride", screen);
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.ask("Emulation.setEmulatedMedia", json!({"features": [feature]}));
        self.ask("Page.navigate", json!({"url": "about:blank"}));
        self.events.clear();
        let url = format!("file://{}", path.display());
        self.ask("Page.navigate", json!({"url": url}));
        let begin = Instant::now();
        let loaded = format!("document.readyState === 'complete' && location.href === '{url}'");
        while self.value(&loaded) != json!(true) {
            assert!(begin.elapsed() < PATIENCE, "{url} does not load");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asserts that the page has logged no errors or messages and sent no requests.
    fn assert_quiet(&mut self, what: &str) {
        // Earlier events are received before this answer.
        self.value("0");
        let of = |event: &&Json| {
            let method = event["method"].as_str().unwrap_or_default();
            let asks = method == "Network.requestWillBeSent" && event["params"]["type"] != "Document";
            asks || ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"].contains(&method)
        };
        let said: Vec<&Json> = self.events.iter().filter(of).collect();
        assert!(said.is_empty(), "{what}: {said:?}");
    }

    /// Presses a key: a special key by its name, or a character.
    fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowDown" => 40,
            "Tab" => 9,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { key };
        let mut event = json!({"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": code});
        if key.chars().count() == 1 || key == "Enter" {
            event["type"] = json!("keyDown");
            event["text"] = json!(text);
        }
        self.ask("Input.dispatchKeyEvent", event);
        self.ask("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Saves a screenshot for manual inspection.
    fn picture(&mut self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
        fs::create_dir_all(&folder).unwrap();
        let shot = self.ask("Page.captureScreenshot", json!({"format": "png"}));
        let bytes = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        assert!(bytes.len() > 5000, "{name} shows nothing");
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Writes the output of a command to a file that can be opened.
    fn file(&self, name: &str, args: &[&str]) -> PathBuf {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(ROOT).output().unwrap();
        assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        let path = self.folder.path().join(name);
        fs::write(&path, output.stdout).unwrap();
        path
    }
}

const SCREENS: [(u32, &str); 4] = [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")];

/// The luminance of the background and of the text, from 0 to 255.
const CONTRAST: &str = "(() => { const style = getComputedStyle(document.body);
    return [style.backgroundColor, style.color].map((color) => Number(color.match(/[0-9]+/)[0])); })()";

fn assert_readable(browser: &mut Browser, what: &str, (width, scheme): (u32, &str)) {
    let what = format!("{what} at {width} in {scheme}");
    browser.assert_quiet(&what);
    let beside = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.value(beside), json!(0), "{what} is too wide");
    let shades: Vec<u64> = serde_json::from_value(browser.value(CONTRAST)).unwrap();
    let is_light = shades[0] > 200 && shades[1] < 60;
    let is_dark = shades[0] < 60 && shades[1] > 200;
    assert!(if scheme == "dark" { is_dark } else { is_light }, "{what}: {shades:?}");
    let small = "[...document.querySelectorAll('main *')].filter((part) => part.textContent.trim() !== '' &&
        !part.closest('svg') && part.offsetParent && parseFloat(getComputedStyle(part).fontSize) < 12).length";
    assert_eq!(browser.value(small), json!(0), "{what} has small print");
}

#[test]
fn the_page_of_a_bundle_works_in_a_browser() {
    let mut browser = Browser::new();
    let page = browser.file("gateway.html", &["graph", "gateway", "--output", "html"]);
    for (width, scheme) in SCREENS {
        browser.open(&page, width, scheme);
        assert_readable(&mut browser, "the page of a bundle", (width, scheme));
        browser.picture(&format!("bundle-{width}-{scheme}"));
        // The diagram is not scaled below a readable size.
        let name = "document.querySelector('.canvas .name').getBoundingClientRect().height";
        assert!(browser.value(name).as_f64().unwrap() > 10.0);

        // With the keyboard: search, select the result, show its origin, and go back.
        let shown = "document.querySelector('article:not([hidden]) h3').textContent";
        browser.press("/");
        "maxopenconns 25".chars().for_each(|letter| browser.press(&letter.to_string()));
        assert_eq!(browser.words("document.querySelector('#count').textContent"), "0 of 19 objects");
        browser.press("Escape");
        assert_eq!(browser.words("document.querySelector('#count').textContent"), "");
        "max_open_conns".chars().for_each(|letter| browser.press(&letter.to_string()));
        assert_eq!(browser.words("document.querySelector('#count').textContent"), "1 of 19 objects");
        assert_eq!(browser.words(shown), "datastorage-config");
        browser.press("Enter");
        assert_eq!(browser.words("document.activeElement.parentElement.textContent.trim()"), "max_open_conns: 25");
        browser.press("Enter");
        let origin = browser.words("document.querySelector('.origin').textContent");
        for part in ["templates/datastorage/config.yaml:", "{{ database.maxOpenConns }}", "profiles/base.yaml:"] {
            assert!(origin.contains(part), "{part} in {origin}");
        }
        browser.picture(&format!("origin-{width}-{scheme}"));
        browser.press("Escape");
        assert_eq!(browser.value("document.querySelector('.origin')"), Json::Null);
        browser.press("ArrowDown");
        assert_eq!(browser.words("document.activeElement.parentElement.textContent.trim()"), "max_idle_conns: 5");
        // A box of the diagram links to its object.
        browser.press("/");
        browser.press("Escape");
        let focus = "document.querySelector('.canvas a[data-box=\"15\"]').focus()";
        browser.value(focus);
        browser.press("Enter");
        browser.becomes(shown, "postgresql");
        browser.becomes("document.activeElement.id", "o15");
        browser.assert_quiet("the page of a bundle in use");
    }
    // With the mouse.
    browser.open(&page, 1280, "light");
    let at = "(() => { const place = document.querySelector('article:not([hidden]) [data-origin]');
        place.scrollIntoView({block: 'center'}); const {x, y} = place.getBoundingClientRect(); return [x + 4, y + 8]; })()";
    let place: Vec<f64> = serde_json::from_value(browser.value(at)).unwrap();
    for kind in ["mousePressed", "mouseReleased"] {
        let event = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
        browser.ask("Input.dispatchMouseEvent", event);
    }
    assert!(browser.words("document.querySelector('.origin').textContent").contains("templates/"));
    browser.assert_quiet("a click");
}

#[test]
fn other_pages_are_readable_in_a_browser() {
    let mut browser = Browser::new();
    let failing = ["graph", "tests/data/seed/gateway-failing.yaml", "--output", "html"];
    let review = ["tests/data/seed/gateway-failing.yaml", "tests/data/seed/aianalysis-working.yaml"];
    let review = ["diff", review[0], review[1], "--output", "html"];
    for (name, args) in [("failing", &failing[..]), ("review", &review)] {
        let page = browser.file(&format!("{name}.html"), args);
        for screen in SCREENS {
            browser.open(&page, screen.0, screen.1);
            assert_readable(&mut browser, name, screen);
            browser.picture(&format!("{name}-{}-{}", screen.0, screen.1));
        }
    }
    let image = browser.file("gateway.svg", &["graph", "gateway", "--output", "svg"]);
    for scheme in ["light", "dark"] {
        browser.open(&image, 1280, scheme);
        browser.assert_quiet("the image");
        let ground = browser.words("getComputedStyle(document.querySelector('.page')).fill");
        assert_eq!(ground, if scheme == "dark" { "rgb(20, 24, 29)" } else { "rgb(255, 255, 255)" });
        browser.picture(&format!("image-{scheme}"));
    }
}
