//! Fakes of kubectl, kind and podman: scripts that record their arguments and respond as a test defines.

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
for response in "$here"/responses/*; do
  pattern=$(cat "$response/pattern")
  case "$line" in
    $pattern)
      # Each permitted use is a directory, which the process that removes it claims.
      if [ -d "$response/times" ]; then
        claimed=
        for time in "$response"/times/*; do rmdir "$time" 2>/dev/null && { claimed=1; break; }; done
        [ -n "$claimed" ] || continue
      fi
      cat "$response/stdout"; cat "$response/stderr" >&2
      [ ! -f "$response/sleep" ] || exec sleep "$(cat "$response/sleep")"
      exit "$(cat "$response/code")" ;;
  esac
done
echo "no response for: $line" >&2
exit 99
"#;

/// The response of a fake program.
#[derive(Default)]
pub(crate) struct Response<'a> {
    pub(crate) stdout: &'a str,
    pub(crate) stderr: &'a str,
    pub(crate) code: i32,
    /// How often the response is used; 0 for no limit.
    pub(crate) times: usize,
    /// The seconds that the program keeps running after it has written its output.
    pub(crate) sleep: u32,
}

/// A directory with fake programs.
pub(crate) struct FakePrograms {
    folder: tempfile::TempDir,
    responses: usize,
}

impl FakePrograms {
    pub(crate) fn new(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for program in programs {
            let path = folder.path().join(program);
            fs::write(&path, SCRIPT).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(folder.path().join("responses")).unwrap();
        // The only other programs in `PATH` are those that the scripts use.
        for tool in ["sh", "cat", "dirname", "basename", "sleep", "rmdir"] {
            let real =
                ["/bin", "/usr/bin"].iter().map(|bin| Path::new(bin).join(tool)).find(|path| path.exists()).unwrap();
            std::os::unix::fs::symlink(real, folder.path().join(tool)).unwrap();
        }
        Self { folder, responses: 0 }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Defines the response to command lines that match a shell pattern. The first matching response is used.
    pub(crate) fn respond_with(&mut self, pattern: &str, response: Response<'_>) -> &mut Self {
        let folder = self.path().join("responses").join(format!("{:04}", self.responses));
        self.responses += 1;
        fs::create_dir(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("pattern", pattern);
        write("stdout", response.stdout);
        write("stderr", response.stderr);
        write("code", &response.code.to_string());
        if response.sleep > 0 {
            write("sleep", &response.sleep.to_string());
        }
        for time in 0..response.times {
            fs::create_dir_all(folder.join("times").join(time.to_string())).unwrap();
        }
        self
    }

    /// Defines the standard output for command lines that match a shell pattern.
    pub(crate) fn respond(&mut self, pattern: &str, stdout: &str) -> &mut Self {
        self.respond_with(pattern, Response { stdout, ..Response::default() })
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

    /// The command lines of all calls in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The command lines of the calls that contain a word.
    pub(crate) fn calls_with(&self, word: &str) -> Vec<String> {
        let plain = |line: String| line.split(" <").next().unwrap().to_owned();
        self.calls().into_iter().filter(|line| line.contains(word)).map(plain).collect()
    }

    /// The standard input of the calls that contain a word.
    pub(crate) fn inputs(&self, word: &str) -> Vec<String> {
        let read = |line: &String| {
            line.split(" <").nth(1).map(|pid| fs::read_to_string(self.path().join(format!("stdin.{pid}"))).unwrap())
        };
        self.calls().iter().filter(|line| line.contains(word)).filter_map(read).collect()
    }

    /// Waits for a call that contains a word.
    pub(crate) fn wait_for_call(&self, word: &str) {
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
