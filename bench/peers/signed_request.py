"""Posts signed requests with aiohttp, for the peers in Python.

The headers are those of Rowhook: Standard Webhooks 1.0, and a `t=…,v1=…` signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

CONCURRENCY = 64
_KEY = b"0123456789abcdef0123456789abcdef"
_KEYED = hmac.new(_KEY, digestmod=hashlib.sha256)


def _digest(data: bytes) -> bytes:
    # Copied for each body, so that the key is hashed once.
    keyed = _KEYED.copy()
    keyed.update(data)
    return keyed.digest()


def signed_headers(key: str, body: bytes) -> dict[str, str]:
    """Returns the headers of a request at this time."""
    at = str(int(time.time()))
    standard = base64.b64encode(_digest(f"{key}.{at}.".encode() + body)).decode()
    return {
        "User-Agent": "Peer-Webhook/1",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "X-Peer-Signature": f"t={at},v1={_digest(f'{at}.'.encode() + body).hex()}",
        "webhook-id": key,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{standard}",
    }


class Sender:
    """Posts jobs `{key, path, body}` to the receiver of the benchmark."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def send(self, job: dict[str, Any]) -> int:
        """Posts the body of a job; returns the status of the response."""
        body = job["body"].encode()
        async with self.session.post(
            f"{self.url}/{job['path']}", data=body, headers=signed_headers(job["key"], body)
        ) as response:
            await response.read()
            return response.status


@asynccontextmanager
async def sender() -> AsyncIterator[Sender]:
    """Opens a session for the receiver that the environment names."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONCURRENCY), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Sender(session, os.environ["BENCH_RECEIVER"])
