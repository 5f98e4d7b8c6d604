"""A stand-in for DataStorage, for tests on a cluster.

It reads the configuration that CONFIG_PATH names and the credentials that the configuration names, connects once to
PostgreSQL and Redis and stops where one of them does not answer; then it serves the health endpoints, takes audit
events and lists the workflows of the catalog. It is no DataStorage: it does what `tests/cluster/run` asks for, and
stops where DataStorage stops.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

# The fields of an event that are columns of `audit_events`, with their types for `jsonb_to_record`.
EVENT = {
    "event_timestamp": "timestamptz",
    "event_type": "text",
    "event_category": "text",
    "event_action": "text",
    "event_outcome": "text",
    "correlation_id": "text",
    "actor_type": "text",
    "actor_id": "text",
    "resource_type": "text",
    "resource_id": "text",
    "namespace": "text",
    "severity": "text",
    "event_data": "jsonb",
}
REQUIRED = ["event_type", "event_category", "event_action", "event_outcome", "correlation_id"]


def stop(message):
    sys.exit(f"ERROR {message}")


def read_yaml(path):
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, yaml.YAMLError) as error:
        stop(f"cannot read {path}: {error}")


def sql(query, **variables):
    """What psql prints for a query; its variables are quoted by psql. Raises CalledProcessError where it fails."""
    arguments = [f"--set={name}={value}" for name, value in variables.items()]
    command = ["psql", "-XqAtw", "--set=ON_ERROR_STOP=1", *arguments]
    run = subprocess.run(command, input=query, capture_output=True, text=True, timeout=10, check=True)
    return run.stdout.strip()


def connect_database(config):
    secrets = read_yaml(config["secretsFile"])
    os.environ.update(
        PGHOST=config["host"],
        PGPORT=str(config["port"]),
        PGDATABASE=config["name"],
        PGUSER=secrets[config["usernameKey"]] if "usernameKey" in config else config["user"],
        PGPASSWORD=secrets[config["passwordKey"]],
        PGSSLMODE=config.get("ssl_mode", "prefer"),
        PGCONNECT_TIMEOUT="5",
    )
    try:
        sql("SELECT 1")
    except subprocess.SubprocessError as error:
        stop(f"cannot connect to PostgreSQL: {getattr(error, 'stderr', '') or error}")


def connect_redis(config):
    password = read_yaml(config["secretsFile"])[config["passwordKey"]].encode()
    host, port = config["addr"].rsplit(":", 1)
    auth = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(password), password) if password else b""
    try:
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(auth + b"*1\r\n$4\r\nPING\r\n")
            with connection.makefile("rb") as answers:
                replies = [answers.readline().strip() for _ in range(2 if password else 1)]
    except OSError as error:
        stop(f"cannot connect to Redis: {error}")
    if replies[-1] != b"+PONG" or replies[0].startswith(b"-"):
        stop(f"Redis does not accept the connection: {replies}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        if self.path in ("/health", "/health/ready", "/health/live", "/metrics"):
            self.answer(200, {"status": "ok"})
        elif self.path == "/api/v1/workflows":
            rows = "SELECT workflow_name AS name, version FROM remediation_workflow_catalog"
            self.ask(200, f"SELECT coalesce(json_agg(row_to_json(rows)), '[]') FROM ({rows}) AS rows")
        else:
            self.answer(404, {"error": "not found"})

    def do_POST(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/api/v1/audit/events":
            return self.answer(404, {"error": "not found"})
        try:
            event = json.loads(content)
            missing = [key for key in REQUIRED if key not in event]
        except (ValueError, TypeError) as error:
            return self.answer(400, {"error": str(error)})
        if missing:
            return self.answer(400, {"error": f"missing: {', '.join(missing)}"})
        given = [column for column in EVENT if column in event]
        columns = ", ".join(given)
        types = ", ".join(f"{column} {EVENT[column]}" for column in given)
        insert = f"INSERT INTO audit_events ({columns}) SELECT {columns} FROM jsonb_to_record(:'event') AS event ({types})"
        return self.ask(201, f"{insert} RETURNING json_build_object('event_id', event_id)", event=json.dumps(event))

    def ask(self, status, query, **variables):
        try:
            self.answer(status, json.loads(sql(query, **variables)))
        except subprocess.SubprocessError as error:
            self.answer(500, {"error": getattr(error, "stderr", "") or str(error)})


def main():
    path = os.environ.get("CONFIG_PATH") or stop("CONFIG_PATH environment variable required")
    config = read_yaml(path)
    connect_database(config["database"])
    connect_redis(config["redis"])
    server = ThreadingHTTPServer((config["server"].get("host", ""), config["server"]["port"]), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"INFO listening on port {config['server']['port']}")
    server.serve_forever()


if __name__ == "__main__":
    main()
