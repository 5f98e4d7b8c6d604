//! Stand-ins for kubectl, kind and podman: scripts that write down how they were called, and answer what a test says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0"); line="$(basename "$0") $*"
case "$line" in
  *"-filename -"*|*"--config -"*) cat > "$here/stdin.$$"; echo "$line <$$" >> "$here/calls" ;;
  *) echo "$line" >> "$here/calls" ;;
esac
for answer in "$here"/answers/*; do
  pattern=$(cat "$answer/pattern")
  case "$line" in
    $pattern)
      # Each of the times is a file, and whoever takes it away has it.
      if [ -d "$answer/times" ]; then
        taken=
        for time in "$answer"/times/*; do rmdir "$time" 2>/dev/null && { taken=1; break; }; done
        [ -n "$taken" ] || continue
      fi
      cat "$answer/stdout"; cat "$answer/stderr" >&2
      [ ! -f "$answer/sleep" ] || exec sleep "$(cat "$answer/sleep")"
      exit "$(cat "$answer/code")" ;;
  esac
done
echo "no answer to: $line" >&2
exit 99
"#;

/// What a stand-in answers.
#[derive(Default)]
pub(crate) struct Answer<'a> {
    pub(crate) stdout: &'a str,
    pub(crate) stderr: &'a str,
    pub(crate) code: i32,
    /// How often it is given; always where it is 0.
    pub(crate) times: usize,
    /// Seconds that the program goes on running when it has written its output.
    pub(crate) sleep: u32,
}

/// A folder with stand-ins.
pub(crate) struct StandIns {
    folder: tempfile::TempDir,
    answers: usize,
}

impl StandIns {
    pub(crate) fn new(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for program in programs {
            let path = folder.path().join(program);
            fs::write(&path, SCRIPT).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(folder.path().join("answers")).unwrap();
        // What the scripts themselves need; nothing else is found.
        for tool in ["sh", "cat", "dirname", "basename", "sleep", "rmdir"] {
            let real =
                ["/bin", "/usr/bin"].iter().map(|bin| Path::new(bin).join(tool)).find(|path| path.exists()).unwrap();
            std::os::unix::fs::symlink(real, folder.path().join(tool)).unwrap();
        }
        Self { folder, answers: 0 }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Answers a command line that fits a pattern of the shell; earlier answers come first.
    pub(crate) fn answer(&mut self, pattern: &str, answer: Answer<'_>) -> &mut Self {
        let folder = self.path().join("answers").join(format!("{:04}", self.answers));
        self.answers += 1;
        fs::create_dir(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("pattern", pattern);
        write("stdout", answer.stdout);
        write("stderr", answer.stderr);
        write("code", &answer.code.to_string());
        if answer.sleep > 0 {
            write("sleep", &answer.sleep.to_string());
        }
        for time in 0..answer.times {
            fs::create_dir_all(folder.join("times").join(time.to_string())).unwrap();
        }
        self
    }

    /// Answers with an output.
    pub(crate) fn says(&mut self, pattern: &str, stdout: &str) -> &mut Self {
        self.answer(pattern, Answer { stdout, ..Answer::default() })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(args).env("PATH", self.path()).env("TMPDIR", self.path()).current_dir(self.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// How the programs were called, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The calls without what is behind `<`, in which a word stands.
    pub(crate) fn calls_with(&self, word: &str) -> Vec<String> {
        let plain = |line: String| line.split(" <").next().unwrap().to_owned();
        self.calls().into_iter().filter(|line| line.contains(word)).map(plain).collect()
    }

    /// What the programs read in the calls in which a word stands.
    pub(crate) fn inputs(&self, word: &str) -> Vec<String> {
        let read = |line: &String| {
            line.split(" <").nth(1).map(|pid| fs::read_to_string(self.path().join(format!("stdin.{pid}"))).unwrap())
        };
        self.calls().iter().filter(|line| line.contains(word)).filter_map(read).collect()
    }

    /// Waits until the programs were called in some way.
    pub(crate) fn until(&self, word: &str) {
        let start = Instant::now();
        while self.calls_with(word).is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "{word}: {:?}", self.calls());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
