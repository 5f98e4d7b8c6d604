#!/usr/bin/env python3
"""Measures the time until an editor receives diagnostics after a change: benches/editor.py [PLIMSOLL] [PROFILES]

Creates the built-in project, or a project with this number of profiles, and introduces errors in a profile, a template, the
base of all profiles and a plain manifest. Prints the median and the longest time of several changes, until the first
diagnostics of the changed file and until the last diagnostics of any file.
"""
import json
import pathlib
import selectors
import statistics
import subprocess
import sys
import tempfile
import time

PLIMSOLL = sys.argv[1] if len(sys.argv) > 1 else "target/release/plimsoll"
PROFILES = int(sys.argv[2]) if len(sys.argv) > 2 else 0
CHANGES = 9 if PROFILES < 100 else 3


class Client:
    def __init__(self, folder):
        self.server = subprocess.Popen(
            [PLIMSOLL, "lsp"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.last = 0
        self.request("initialize", {"capabilities": {}, "processId": None, "rootUri": None})
        self.notify("initialized", {})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def receive(self):
        length = 0
        while line := self.server.stdout.readline().strip():
            name, _, value = line.partition(b": ")
            if name == b"Content-Length":
                length = int(value)
        return json.loads(self.server.stdout.read(length))

    def request(self, method, params):
        self.last += 1
        self.send({"id": self.last, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.last:
            pass
        return message

    def wait(self, path):
        """Waits for the next diagnostics of a file and returns them."""
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                if message["params"]["uri"] == path.as_uri():
                    return message["params"]["diagnostics"]

    def open(self, path):
        text = path.read_text()
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return self.wait(path)

    def change(self, path, text):
        document = {"uri": path.as_uri(), "version": 2}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]}
        )

    def settle(self):
        """Waits until no messages arrive for a while, and returns the time of the last one."""
        selector = selectors.DefaultSelector()
        selector.register(self.server.stdout, selectors.EVENT_READ)
        last = time.perf_counter()
        while self.server.stdout.peek(1) if selector.select(0.5) else False:
            self.receive()
            last = time.perf_counter()
        return last


def measure(client, what, path, wrong):
    text = path.read_text()
    client.open(path)
    client.settle()
    first, all_ = [], []
    for number in range(CHANGES):
        start = time.perf_counter()
        client.change(path, wrong(text, number))
        found = client.wait(path)
        first.append(time.perf_counter() - start)
        assert any(one["severity"] == 1 for one in found), (what, found)
        all_.append(max(client.settle(), start + first[-1]) - start)
        client.change(path, text)
        client.wait(path)
        client.settle()
    print(f"{what}: {shown(first)}; all {shown(all_)}")


def shown(times):
    return f"{statistics.median(times) * 1e3:.0f} ms (longest {max(times) * 1e3:.0f})"


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        project = root / "project"
        if PROFILES:
            fleet = pathlib.Path(__file__).with_name("fleet.sh")
            subprocess.run([fleet, str(PROFILES), project], check=True, stdout=subprocess.DEVNULL)
            name = "team00001"
        else:
            subprocess.run([PLIMSOLL, "init", project], check=True, capture_output=True)
            name = "gateway"
        manifest = root / "web.yaml"
        manifest.write_text(
            subprocess.run(
                [PLIMSOLL, "--project", project, "render", name, "--env", "e2e"],
                check=True, capture_output=True, text=True,
            ).stdout
        )
        print(f"{len(list((project / 'profiles').glob('*.yaml'))) - 1} profiles")
        client = Client(root)
        template = project / "templates/datastorage/service.yaml"
        # The first two are found before rendering, the others in the rendered objects.
        for what, path, old, new in [
            ("a profile, unknown field", project / f"profiles/{name}.yaml", "expose:", "exposed:"),
            ("a template, unknown name", template, "{{ namespace }}", "{{ namespaec }}"),
            ("a profile, unknown name of an image", project / f"profiles/{name}.yaml", "{tag: ", '{repository: "a b", tag: '),
            ("a template, unknown port", template, "targetPort: http", "targetPort: htpp"),
            ("the base of all, invalid name", project / "profiles/base.yaml", "kubernaut-system", "kubernaut_system"),
            ("a manifest, unknown field", manifest, "targetPort", "targetprot"),
        ]:
            assert old in path.read_text(), what
            measure(client, what, path, lambda text, number: text.replace(old, new, 1) + "\n" * number)
        expression = template.read_text().splitlines()
        line = next(at for at, text in enumerate(expression) if "{{ namespace }}" in text)
        position = {"line": line, "character": expression[line].index("namespace }}") + 2}
        place = {"textDocument": {"uri": template.as_uri()}, "position": position}
        for method in ("hover", "definition", "completion"):
            times = []
            for _ in range(CHANGES):
                start = time.perf_counter()
                client.request(f"textDocument/{method}", place)
                times.append(time.perf_counter() - start)
            print(f"{method}: {shown(times)}")
        client.request("shutdown", None)
        client.notify("exit", None)
        assert client.server.wait() == 0


main()
