"""Fuzzers of URLs and headers, ROWHOOK_FUZZ_S seconds each, after replaying a corpus.

A line of the corpus is one input as a JSON string. Inputs that found a bug are added to it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import parse_target
from rowhook.model import Outcome, Request, Verdict
from rowhook.render.configuration import ConfigurationRejected
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import Webhook
from tests.hazards.request_sender import RequestSender, request_sender
from tests.support.rendering import EPOCH_S, EVENT, compile_fields
from tests.support.scoreboard import score
from tests.support.url_parsers import OPEN, PARSERS, rowhook_endpoint

pytestmark = pytest.mark.hazards
FUZZ_S = float(os.environ.get("ROWHOOK_FUZZ_S", "5"))
each_length = pytest.mark.parametrize(
    "seconds",
    [pytest.param(0.5, marks=pytest.mark.long), pytest.param(FUZZ_S, marks=pytest.mark.battery)],
)
CORPUS = Path(__file__).with_name("corpus")
PUBLIC = EgressPolicy()
PIECES = [
    "https://",
    "http://",
    "HTTP://",
    "//",
    "@",
    ":",
    "/",
    "?",
    "#",
    "\\",
    "[",
    "]",
    "%",
    "%25",
    "%2e",
    "%00",
    ".",
    "..",
    "-",
    "localhost",
    "example.com",
    "127.0.0.1",
    "::1",
    "::ffff:",
    "0x7f",
    "2130706433",
    "017",
    ":443",
    ":0",
    ":65536",
    "xn--",
    "xn--a",
    "\u3002",
    "\uff0f",
    "\uff20",
    "\u200d",
    "\u00ad",
    "ß",
    "İ",
    "１",
    "\t",
    "\r\n",
    " ",
    "\x00",
    "\ud800",
    "\u2028",
    "{{",
    "{%",
]
URLS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES) | st.text("abc019.-_:", max_size=4), max_size=6).map(
        lambda parts: "https://" + "".join(parts)
    ),
)
HEADERS = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(max_codepoint=0x100), max_size=20),
    st.text("aZ09-_.!#$%&'*+^`|~: \t\r\n,;\"", max_size=20),
)
# The text around an expression, and a pattern of the resulting URL.
PLACES = {
    "{{context.u}}": r"https?://.+",
    "{{context.u}}/done": r"https?://.+/done",
    "https://{{context.u}}/": r"https://[^/?#@:\\]+/",
    "https://{{context.u}}.example.com/": r"https://[A-Za-z0-9-]+\.example\.com/",
    "https://a.{{context.u}}.example.com:8443/": r"https://a\.[A-Za-z0-9-]+\.example\.com:8443/",
    "https://example.com/{{context.u}}?q={{context.u}}": r"https://example\.com/%s\?q=%s"
    % (("[A-Za-z0-9._~%-]*",) * 2),
}


def replay_corpus(name: str) -> list[str]:
    lines = (CORPUS / name).read_text(encoding="ascii").splitlines()
    return [str(json.loads(line)) for line in lines]


def min_inputs(seconds: float) -> int:
    """The minimum number of inputs."""
    return int(seconds * 10)


def fuzz(check: Callable[[str], None], inputs: st.SearchStrategy[str], seconds: float) -> int:
    """Checks new inputs until the time and the minimum are reached; returns the number."""
    until = time.monotonic() + seconds
    tried = 0

    @settings(max_examples=250, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(inputs)
    def round_(text: str) -> None:
        nonlocal tried
        tried += 1
        check(text)

    while time.monotonic() < until or tried < min_inputs(seconds):
        round_()
    return tried


def check_parse(url: str) -> None:
    """An accepted URL has the same host and port in every other parser, and can be sent."""
    place = rowhook_endpoint(url)
    if place is None:
        return
    assert {reader(url) for reader in PARSERS.values()} <= {None, place}, url
    target = parse_target(url, OPEN)
    url_sent = target.url
    assert url_sent.isascii(), url
    assert url_sent.isprintable(), url
    assert not set(' "<>\\^`{|}#') & set(url_sent), url
    again = parse_target(url_sent, OPEN)
    assert (again.scheme, again.host, again.port, again.path) == (*place, target.path), url


def check_public(url: str) -> None:
    """Without allowed networks, only public addresses and no local names are accepted."""
    try:
        target = parse_target(url, PUBLIC)
    except (TargetForbidden, UrlRejected):
        return
    assert target.scheme == "https", url
    assert PUBLIC.permits(target.host) is target.is_literal, url
    assert target.is_literal or "." in target.host, url


@pytest.fixture(scope="module")
def webhooks_by_position() -> dict[str, Webhook]:
    """A webhook for each position of an expression."""
    return {source: compile_fields(policy=None, url=source) for source in PLACES}


def check_position(webhooks_by_position: dict[str, Webhook], text: str) -> None:
    """A value never escapes the position of its expression in a URL."""
    event = msgspec.structs.replace(EVENT, context=json.dumps({"u": text}))
    for source, webhook in webhooks_by_position.items():
        request = render_request(webhook, event, epoch_s=EPOCH_S, policy=OPEN)
        if isinstance(request, Outcome):
            assert request.verdict in {Verdict.RENDER_FAILED, Verdict.TARGET_FORBIDDEN}, (
                source,
                text,
            )
            continue
        check_parse(request.url)
        assert rowhook_endpoint(request.url) is not None, (source, text)
        assert re.fullmatch(PLACES[source], request.url, re.IGNORECASE), (source, text)


@each_length
def test_no_url_has_two_interpretations_or_escapes_its_position(
    webhooks_by_position: dict[str, Webhook], seconds: float
) -> None:
    def check(text: str) -> None:
        check_parse(text)
        check_public(text)
        check_position(webhooks_by_position, text)

    corpus = replay_corpus("url.txt")
    for text in corpus:
        check(text)
    tried = fuzz(check, URLS, seconds)
    score(
        "fuzzed URLs, parsed and inserted into templates",
        required=f"{seconds:g} s: one interpretation, no escape",
        measured=f"{tried} new inputs, {len(corpus)} of the corpus",
        holds=tried >= min_inputs(seconds),
    )


@pytest.fixture(scope="module")
def receiver() -> Iterator[RequestSender]:
    with request_sender() as running:
        yield running


def compile_or_none(**fields: Any) -> Webhook | None:
    """Compiles a webhook; None if a header is rejected."""
    try:
        return compile_fields(policy=None, **fields)
    except ConfigurationRejected as refused:
        pointers = {fault.pointer.split("/")[1] for fault in refused.faults}
    assert pointers == {"headers"}, fields
    return None


def requests_with(url: str, text: str) -> Iterator[Request]:
    """Requests with a text from data, from a secret, as a literal and as a name."""
    event = msgspec.structs.replace(EVENT, context=json.dumps({"v": text}))
    for headers in (
        {"X-Data": "{{context.v}}", "X-More": "a{{context.v}}b"},
        {"X-Secret": "Bearer {{secret:s}}"},
        {"X-Written": text},
        {text: "value"},
    ):
        webhook = compile_or_none(url=url, headers=headers, secrets={"s": text})
        if webhook is None:
            continue
        request = render_request(webhook, event, epoch_s=EPOCH_S, policy=OPEN)
        if isinstance(request, Request):
            yield request
        else:
            assert request.verdict is Verdict.RENDER_FAILED, (text, request)


@each_length
def test_no_header_injects_another(receiver: RequestSender, seconds: float) -> None:
    def check(text: str) -> None:
        for request in requests_with(receiver.url, text):
            arrived = receiver.sent_headers(request)
            expected_headers = [(name, value.strip(" \t")) for name, value in request.headers]
            assert [
                header for header in arrived if header[0] not in {"Host", "Content-Length"}
            ] == expected_headers

    corpus = replay_corpus("header.txt")
    for text in corpus:
        check(text)
    tried = fuzz(check, HEADERS, seconds)
    score(
        "fuzzed header names and values, sent",
        required=f"{seconds:g} s: no additional header",
        measured=f"{tried} new inputs, {len(corpus)} of the corpus",
        holds=tried >= min_inputs(seconds),
    )
