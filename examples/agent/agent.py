"""Example: an agent commits data that a warehouse, a CRM and a web page receive.

The agent is scripted, so no model is needed. Run in one terminal, which prints an operator key:

    export ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8 ROWHOOK_CORS_ORIGINS=http://127.0.0.1:8090
    bin/rowhook up

Run in another, with that key:

    .venv/bin/python examples/agent/agent.py --key rhk_…

The agent links three outputs to a goal, reads the goal as a tool, proposes data that is invalid for
the CRM, corrects it by the returned pointers, and commits. The warehouse always fails, which does
not affect the other outputs. Open the printed page to watch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg

PAGE = Path(__file__).with_name("page.html")
ORGANIZATION = "0b5a7c1e-5f0e-4f5e-9a53-8d2c1f6e7a01"
GOAL, SESSION = "goal_qualify", "session_demo"
CUSTOMER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "email"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "email": {"type": "string", "format": "email"},
    },
}


class Site(BaseHTTPRequestHandler):
    """The customer's server: the page and its tokens, a working CRM and a failing warehouse."""

    rowhook: httpx.Client

    def do_GET(self) -> None:
        """Serves the page, or a session token for it."""
        url = urlsplit(self.path)
        if url.path == "/token":
            session = parse_qs(url.query)["session"][0]
            response = self.rowhook.post(f"/v1/sessions/{session}/token", json={"ttl_s": 300})
            self._respond(200, response.json()["token"].encode(), "text/plain")
        else:
            self._respond(200, PAGE.read_bytes(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """Receives a delivery."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._respond(500 if self.path == "/warehouse" else 200, b"", "text/plain")

    def _respond(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs no requests."""


def set_up(rowhook: httpx.Client, database: str, site: str) -> None:
    """Inserts the platform's rows and creates three outputs of the goal."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into rowhook.organization values (%s, 'Acme') on conflict do nothing",
            (ORGANIZATION,),
        )
        connection.execute(
            "insert into rowhook.goal (id, organization_id, name) values (%s, %s, 'Qualify a lead')"
            " on conflict do nothing",
            (GOAL, ORGANIZATION),
        )
        connection.execute(
            "insert into rowhook.session (id, organization_id) values (%s, %s)"
            " on conflict do nothing",
            (SESSION, ORGANIZATION),
        )
    outputs: list[dict[str, Any]] = [
        {"name": "Warehouse", "url": f"{site}/warehouse", "raw_payload": True},
        {
            "name": "CRM",
            "url": f"{site}/crm",
            "body_template": '{"name": "{{data.name}}", "email": "{{data.contact.email}}"}',
            "schema": CUSTOMER,
        },
        {
            "name": "Page",
            "kind": "frontend",
            "body_template": '{"name": "{{data.name}}", "stage": "{{data.stage}}"}',
        },
    ]
    if rowhook.get(f"/v1/goals/{GOAL}/outputs").json()["items"]:
        return
    for output in outputs:
        response = rowhook.post("/v1/webhooks", json={**output, "organization_id": ORGANIZATION})
        if response.is_error:
            raise SystemExit(f"Creating the webhook {output['name']} failed: {response.text}")
        rowhook.put(f"/v1/webhooks/{response.json()['id']}/goals/{GOAL}").raise_for_status()


def propose(tool: dict[str, Any], faults: list[dict[str, str]]) -> dict[str, Any]:
    """Acts like a model: fills in the input of the tool, and corrects faults."""
    data: dict[str, Any] = {"name": "Ada Lovelace", "stage": "qualified"}
    if "contact" in tool["input_schema"]["required"]:
        data["contact"] = {"email": "ada at example.com"}
    for fault in faults:
        if fault["pointer"] == "/contact/email":
            data["contact"] = {"email": "ada@example.com"}
    return data


def commit(rowhook: httpx.Client, database: str) -> str:
    """Reads the tool, proposes data until it is valid for all outputs, and inserts the commit."""
    tool = rowhook.get(f"/v1/goals/{GOAL}/commit-tool").json()
    print(f"The tool {tool['name']} requires {', '.join(tool['input_schema']['required'])}.")
    faults: list[dict[str, str]] = []
    while True:
        data = propose(tool, faults)
        verdict = rowhook.post(f"/v1/goals/{GOAL}/validate", json={"data": data}).json()
        faults = [fault for output in verdict["outputs"] for fault in output["errors"]]
        for fault in faults:
            print(f"Invalid {fault['pointer']}: {fault['message']} {fault['hint']}")
        if verdict["valid"]:
            break
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "insert into rowhook.commit (goal_id, session_id, data) values (%s, %s, %s)"
            " returning id",
            (GOAL, SESSION, json.dumps(data)),
        ).fetchone()
    print(f"Committed {row[0] if row else ''}.")
    return str(row[0]) if row else ""


def outcome(rowhook: httpx.Client, commit_id: str) -> list[dict[str, Any]]:
    """Returns the deliveries of the commit when both servers were tried."""
    deadline = time.monotonic() + 30
    while True:
        response = rowhook.get("/v1/deliveries", params={"commit_id": commit_id})
        deliveries: list[dict[str, Any]] = response.json()["items"]
        tried = {
            delivery["webhook_name"]
            for delivery in deliveries
            if delivery["status"] == "delivered" or delivery["last_error"]
        }
        if tried >= {"CRM", "Warehouse"} or time.monotonic() > deadline:
            return deliveries
        time.sleep(0.05)


def configured_database() -> str:
    """The connection string of the running `rowhook up`."""
    rowhook = str(Path(sys.executable).with_name("rowhook"))
    settings = json.loads(subprocess.check_output([rowhook, "config", "--json"]))  # noqa: S603
    return str(settings["database_url"])


def main() -> None:
    """Runs until the warehouse and the CRM were tried; with --stay until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", required=True)
    parser.add_argument("--database", help="Default: the database_url of rowhook config --json.")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--stay", action="store_true")
    arguments = parser.parse_args()
    arguments.database = arguments.database or configured_database()
    Site.rowhook = httpx.Client(
        base_url=arguments.url, headers={"Authorization": f"Bearer {arguments.key}"}, timeout=30
    )
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Site)
    site = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    set_up(Site.rowhook, arguments.database, site)
    print(f"Page: {site}/?rowhook={arguments.url}&session={SESSION}", flush=True)
    commit_id = commit(Site.rowhook, arguments.database)
    for delivery in outcome(Site.rowhook, commit_id):
        name, status = delivery["webhook_name"], delivery["status"]
        print(f"{name}: {status} {delivery['last_error'] or ''}", flush=True)
    if arguments.stay:
        threading.Event().wait()


if __name__ == "__main__":
    main()
