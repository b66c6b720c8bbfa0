"""An agent commits; a warehouse, a CRM and a web page hear of it. It is scripted: no model needed.

In one terminal, where it prints an operator key:

    export ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8 ROWHOOK_CORS_ORIGINS=http://127.0.0.1:8090
    bin/rowhook up

In another, with that key and the `database_url` of `bin/rowhook config --json`:

    .venv/bin/python examples/agent/agent.py --key rhk_… --database postgresql://…

It links three outputs to a goal, reads the goal as a tool, proposes data that the CRM would not
take, reads the pointers, corrects itself, and commits. The warehouse is broken all the time: that
stays the warehouse's own trouble. Open the page that it names to watch.
"""

from __future__ import annotations

import argparse
import json
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
    """The customer's side: the page and its tokens, a CRM that works, a warehouse that does not."""

    rowhook: httpx.Client

    def do_GET(self) -> None:
        """The page, or a session token for it."""
        asked = urlsplit(self.path)
        if asked.path == "/token":
            session = parse_qs(asked.query)["session"][0]
            made = self.rowhook.post(f"/v1/sessions/{session}/token", json={"ttl_s": 300})
            self._answer(200, made.json()["token"].encode(), "text/plain")
        else:
            self._answer(200, PAGE.read_bytes(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """What the outputs deliver."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(500 if self.path == "/warehouse" else 200, b"", "text/plain")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: the agent does."""


def set_up(rowhook: httpx.Client, database: str, site: str) -> None:
    """The platform's rows, and three outputs of the goal."""
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
        made = rowhook.post("/v1/webhooks", json={**output, "organization_id": ORGANIZATION})
        if made.is_error:
            raise SystemExit(f"{output['name']} was not saved: {made.text}")
        rowhook.put(f"/v1/webhooks/{made.json()['id']}/goals/{GOAL}").raise_for_status()


def propose(tool: dict[str, Any], faults: list[dict[str, str]]) -> dict[str, Any]:
    """What a model would do: fill in the tool's input, and mend what it is told."""
    data: dict[str, Any] = {"name": "Ada Lovelace", "stage": "qualified"}
    if "contact" in tool["input_schema"]["required"]:
        data["contact"] = {"email": "ada at example.com"}
    for fault in faults:
        if fault["pointer"] == "/contact/email":
            data["contact"] = {"email": "ada@example.com"}
    return data


def commit(rowhook: httpx.Client, database: str) -> str:
    """Reads the tool, proposes until every output could be made, and inserts the row."""
    tool = rowhook.get(f"/v1/goals/{GOAL}/commit-tool").json()
    print(f"the tool {tool['name']} asks for {', '.join(tool['input_schema']['required'])}")
    faults: list[dict[str, str]] = []
    while True:
        data = propose(tool, faults)
        verdict = rowhook.post(f"/v1/goals/{GOAL}/validate", json={"data": data}).json()
        faults = [fault for output in verdict["outputs"] for fault in output["errors"]]
        for fault in faults:
            print(f"refused: {fault['pointer']} {fault['message']}; {fault['hint']}")
        if verdict["valid"]:
            break
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "insert into rowhook.commit (goal_id, session_id, data) values (%s, %s, %s)"
            " returning id",
            (GOAL, SESSION, json.dumps(data)),
        ).fetchone()
    print(f"committed {row[0] if row else ''}")
    return str(row[0]) if row else ""


def outcome(rowhook: httpx.Client, commit_id: str) -> list[dict[str, Any]]:
    """The commit's deliveries, once both servers were tried; the page's may wait for a page."""
    deadline = time.monotonic() + 30
    while True:
        answer = rowhook.get("/v1/deliveries", params={"commit_id": commit_id})
        found: list[dict[str, Any]] = answer.json()["items"]
        tried = {
            one["webhook_name"]
            for one in found
            if one["status"] == "delivered" or one["last_error"]
        }
        if tried >= {"CRM", "Warehouse"} or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def main() -> None:
    """Runs until the warehouse and the CRM were tried; with --stay until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", required=True)
    parser.add_argument("--database", required=True, help="rowhook config --json: database_url")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--stay", action="store_true")
    given = parser.parse_args()
    Site.rowhook = httpx.Client(
        base_url=given.url, headers={"Authorization": f"Bearer {given.key}"}, timeout=30
    )
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Site)
    site = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    set_up(Site.rowhook, given.database, site)
    print(f"page: {site}/?rowhook={given.url}&session={SESSION}", flush=True)
    made = commit(Site.rowhook, given.database)
    for one in outcome(Site.rowhook, made):
        print(f"{one['webhook_name']}: {one['status']} {one['last_error'] or ''}", flush=True)
    if given.stay:
        threading.Event().wait()


if __name__ == "__main__":
    main()
