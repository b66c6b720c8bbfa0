# ruff: noqa: RUF001 - look-alike characters are what is tested
from __future__ import annotations

import asyncio
import random
import socket
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.delivery import Verdict
from rowhook.egress import (
    FORBIDDEN,
    Egress,
    Failure,
    GuardedTransport,
    TargetForbidden,
    UrlRejected,
    make_connector,
    parse_target,
)
from rowhook.egress.resolve import ThreadedLookup
from tests.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohappyeyeballs import AddrInfoType

PUBLIC = Egress()
LOCAL = Egress(allow_networks=(ip_network("127.0.0.0/8"),))
PLAIN = Egress(allow_http=True)

CLOSED = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "2620:4f:8000::/48",
]
# Neighbours of one closed net that lie in another.
STILL_CLOSED = {"239.255.255.255", "240.0.0.0"}


def edges() -> list[tuple[str, bool]]:
    cases = []
    for net in map(ip_network, CLOSED):
        first, last = int(net.network_address), int(net.broadcast_address)
        of = type(net.network_address)
        cases += [(str(of(number)), False) for number in (first, (first + last) // 2, last)]
        beside = [n for n in (first - 1, last + 1) if 0 <= n < 2**net.max_prefixlen]
        cases += [(str(of(number)), str(of(number)) not in STILL_CLOSED) for number in beside]
    return cases


@pytest.mark.parametrize(("address", "expected"), edges())
def test_each_closed_net_ends_exactly_where_it_should(address: str, *, expected: bool) -> None:
    assert PUBLIC.permits(address) is expected


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::a00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "4000::",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2002:7f00:1::",
        "2606:4700::1111%eth0",
        "127.1",
        "2130706433",
        "0x7f.1",
        "010.0.0.1",
        "8.8.8.8/32",
        "8.8.8.8 ",
        "",
        "localhost",
    ],
)
def test_what_is_not_a_public_address_is_refused(address: str) -> None:
    assert not PUBLIC.permits(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "223.255.255.255", "2000::", "2606:4700:4700::1111", "2a00:1450::1"],
)
def test_public_addresses_are_permitted(address: str) -> None:
    assert PUBLIC.permits(address)


def oracle_v4(n: int) -> bool:
    a, b, c = n >> 24, n >> 16 & 255, n >> 8 & 255
    return not (
        a in (0, 10, 127)
        or a >= 224
        or (a == 100 and 64 <= b <= 127)
        or (a == 169 and b == 254)
        or (a == 172 and 16 <= b <= 31)
        or (a == 192 and (b, c) in ((0, 0), (0, 2), (88, 99)))
        or (a == 192 and b == 168)
        or (a == 198 and b in (18, 19))
        or (a, b, c) in ((198, 51, 100), (203, 0, 113))
        or n == 0xA83F8110
    )


def oracle_v6(n: int) -> bool:
    top, second = n >> 112, n >> 96 & 0xFFFF
    return (
        0x2000 <= top <= 0x3FFF
        and not (top == 0x2001 and (second < 0x200 or second == 0xDB8))
        and top != 0x2002
        and not (top == 0x2620 and second == 0x4F and n >> 80 & 0xFFFF == 0x8000)
        and not (top == 0x3FFF and second < 0x1000)
    )


def test_a_hundred_thousand_random_addresses_agree_with_an_oracle_of_ranges() -> None:
    dice = random.Random(20260523)  # noqa: S311 - a repeatable sample
    corners = [int(ip_network(net).network_address) for net in CLOSED if ":" in net]
    for _ in range(50_000):
        v4 = dice.getrandbits(32)
        assert PUBLIC.permits(socket.inet_ntoa(v4.to_bytes(4))) is oracle_v4(v4), hex(v4)
        v6 = dice.choice([0x2000 << 112, 0, *corners]) ^ dice.getrandbits(dice.randrange(1, 129))
        text = socket.inet_ntop(socket.AF_INET6, v6.to_bytes(16))
        assert PUBLIC.permits(text) is oracle_v6(v6), text


@given(st.ip_addresses(), st.integers(0, 32))
def test_an_allowed_network_opens_its_own_addresses_and_no_other(
    address: object, bits: int
) -> None:
    network = ip_network("10.128.0.0").supernet(new_prefix=bits)
    policy = Egress(allow_networks=(network,))
    found = ip_address(str(address))
    assert policy.permits(str(found)) is (found in network or PUBLIC.permits(str(found)))


REFUSED = [
    # IPv4 in other clothes
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0X7F000001/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0x/",
    "https://0x7f.0.0.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://0177.0.0.01/",
    "https://127.0.0.01/",
    "https://127.000.000.001/",
    "https://127.0.0.1./",
    "https://127.0.0.1.1/",
    "https://256.1.1.1/",
    "https://999.999.999.999/",
    "https://1.2.3/",
    "https://8.8.8.8.0x8/",
    "https://example.com.1/",
    "https://example.0x7f/",
    "https://4294967296/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://127．0．0．1/",
    "https://127｡0｡0｡1/",
    "https://١٢٧.0.0.1/",
    "https://𝟏𝟐𝟕.𝟎.𝟎.𝟏/",
    "https://%31%32%37.0.0.1/",
    # local addresses as they are
    "https://127.0.0.1/",
    "https://127.255.255.254:8443/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://168.63.129.16/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::FFFF:8.8.8.8]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    "https://[fd00:ec2::254]/",
    # brackets and zones
    "https://[fe80::1%eth0]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:4700::1111%25lo]/",
    "https://[::1/",
    "https://::1/",
    "https://::1]/",
    "https://[]/",
    "https://[[::1]]/",
    "https://[127.0.0.1]/",
    "https://[v1.x]/",
    "https://[localhost]/",
    "https://[2606:4700::1111]x/",
    "https://x[2606:4700::1111]/",
    "https://2606:4700::1111/",
    "https://[12345::1]/",
    "https://[2606:4700:::1]/",
    # names
    "https://localhost/",
    "https://LOCALHOST/",
    "https://LocalHost:8443/",
    "https://localhost./",
    "https://a.localhost/",
    "https://printer.local/",
    "https://PRINTER.LOCAL/",
    "https://metadata.google.internal/",
    "https://router.home.arpa/",
    "https://home.arpa/",
    "https://abc.onion/",
    "https://x.invalid/",
    "https://x.test/",
    "https://x.alt/",
    "https://intranet/",
    "https://db/",
    "https://com/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://loc\u00adalhost/",
    "https://localhos\u200bt/",
    "https://exa\u200cmple.com/",
    "https://exam\u200dple.com/",
    "https://\ufeffexample.com/",
    "https://exam\u2060ple.com/",
    "https://example\u3002com/",
    "https://example\uff0ecom/",
    "https://bu\u0308cher.example/",
    "https://faceboo\u212a.com/",
    "https://exam\u2100ple.com/",
    "https://example.com\u2024evil.com/",
    "https://example.com./",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://example-.com/",
    "https://exa mple.com/",
    "https://exam%70le.com/",
    "https://example.com%00.evil.com/",
    "https://example.com%2f@evil.com/",
    "https://exa<mple.com/",
    "https://exa|mple.com/",
    "https://exa,mple.com/",
    "https://*.example.com/",
    "https://{{host}}/",
    f"https://{'a' * 64}.com/",
    f"https://{'a.' * 127}com/",
    # userinfo, separators, emptiness
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1@example.com/",
    "https://:@example.com/",
    "https://@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https:\\\\example.com/",
    "https://example.com\\path",
    "https://example.com/a\\b",
    "https://",
    "https:///",
    "https:///path",
    "https://?x",
    "https://#x",
    "https://:443/",
    "https:/example.com/",
    "https:example.com/",
    "//example.com/",
    "example.com",
    "/path",
    "",
    " https://example.com/",
    "https://example.com/ ",
    "https://example.com/a b",
    "https://example.com/a\tb",
    "https://exam\tple.com/",
    "https://example.com\n/",
    "https://example.com/\r\nX-Injected: 1",
    "https://example.com/\x00",
    "https://example.com/\x7f",
    "https://example.com/\ud800",
    "https://example.com/\u2028",
    # ports
    "https://example.com:/",
    "https://example.com:0/",
    "https://example.com:00443/",
    "https://example.com:65536/",
    "https://example.com:99999999999/",
    "https://example.com:-1/",
    "https://example.com:+443/",
    "https://example.com:4 43/",
    "https://example.com:https/",
    "https://example.com:\uff14\uff14\uff13/",
    "https://example.com:٤٤٣/",
    "https://example.com:443:443/",
    "https://example.com:0x1bb/",
    # schemes
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://example.com/",
    "wss://example.com/",
    "unix:///run/docker.sock",
    "http+unix://%2frun%2fdocker.sock/",
    "httpss://example.com/",
    "h\u0442tps://example.com/",
    "\uff48ttps://example.com/",
    "https\u200b://example.com/",
    "http://example.com/",
    "http://8.8.8.8/",
    f"https://example.com/{'a' * 8192}",
]


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_a_url_that_is_local_or_ambiguous_is_refused(url: str) -> None:
    with pytest.raises((TargetForbidden, UrlRejected)) as caught:
        parse_target(url, PUBLIC)
    text = str(caught.value)
    assert not any(part in text for part in ("127", "example", "8443", "65536", "meta"))


def test_there_are_enough_refused_spellings() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 120


ALLOWED = [
    ("https://example.com", "example.com", 443, "/"),
    ("https://example.com/", "example.com", 443, "/"),
    ("HTTPS://EXAMPLE.COM/Path", "example.com", 443, "/Path"),
    ("https://example.com:443/", "example.com", 443, "/"),
    ("https://example.com:8443/a", "example.com", 8443, "/a"),
    ("https://example.com:1/", "example.com", 1, "/"),
    ("https://example.com:65535/", "example.com", 65535, "/"),
    ("https://example.com?x=1", "example.com", 443, "/?x=1"),
    ("https://example.com/?x=1&y=a%20b", "example.com", 443, "/?x=1&y=a%20b"),
    ("https://example.com/a?b?c=/d", "example.com", 443, "/a?b?c=/d"),
    ("https://example.com/a#fragment", "example.com", 443, "/a"),
    ("https://example.com#fragment", "example.com", 443, "/"),
    ("https://example.com/a//b/../c/./d", "example.com", 443, "/a//b/../c/./d"),
    ("https://example.com//a", "example.com", 443, "//a"),
    ("https://example.com/%2e%2e/%2F", "example.com", 443, "/%2e%2e/%2F"),
    ("https://example.com/%zz", "example.com", 443, "/%zz"),
    ("https://example.com/a;b=c,d", "example.com", 443, "/a;b=c,d"),
    ("https://example.com/~user/$x!*'()", "example.com", 443, "/~user/$x!*'()"),
    ("https://example.com/@user", "example.com", 443, "/@user"),
    ("https://example.com/a:b", "example.com", 443, "/a:b"),
    ("https://example.com/?u=https://10.0.0.1/", "example.com", 443, "/?u=https://10.0.0.1/"),
    ("https://example.com/?a=1+2", "example.com", 443, "/?a=1+2"),
    ("https://example.com/é", "example.com", 443, "/%C3%A9"),
    ("https://example.com/😀?q=ü", "example.com", 443, "/%F0%9F%98%80?q=%C3%BC"),
    ('https://example.com/"<>', "example.com", 443, "/%22%3C%3E"),
    ("https://example.com/{a}|^`", "example.com", 443, "/%7Ba%7D%7C%5E%60"),
    ("https://api.example.com/v1", "api.example.com", 443, "/v1"),
    ("https://a.b.c.d.e.example.org/", "a.b.c.d.e.example.org", 443, "/"),
    ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/"),
    ("https://bücher.example/", "xn--bcher-kva.example", 443, "/"),
    ("https://BÜCHER.example/", "xn--bcher-kva.example", 443, "/"),
    ("https://例え.jp/", "xn--r8jz45g.jp", 443, "/"),
    ("https://пример.рф/", "xn--e1afmkfd.xn--p1ai", 443, "/"),
    ("https://my_bucket.example.com/", "my_bucket.example.com", 443, "/"),
    ("https://_dmarc.example.com/", "_dmarc.example.com", 443, "/"),
    ("https://a--b.example.com/", "a--b.example.com", 443, "/"),
    ("https://1password.com/", "1password.com", 443, "/"),
    ("https://127.0.0.1.nip.example/", "127.0.0.1.nip.example", 443, "/"),
    ("https://123.com/", "123.com", 443, "/"),
    ("https://0x7f.com/", "0x7f.com", 443, "/"),
    ("https://localhost.example.com/", "localhost.example.com", 443, "/"),
    ("https://mylocal.com/", "mylocal.com", 443, "/"),
    ("https://notlocalhost.com/", "notlocalhost.com", 443, "/"),
    ("https://internal.example.net/", "internal.example.net", 443, "/"),
    ("https://a.example/", "a.example", 443, "/"),
    (f"https://{'a' * 63}.com/", f"{'a' * 63}.com", 443, "/"),
    ("https://8.8.8.8/", "8.8.8.8", 443, "/"),
    ("https://1.1.1.1:8443/x", "1.1.1.1", 8443, "/x"),
    ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 443, "/"),
    ("https://[2606:4700:4700:0:0:0:0:1111]:8443/", "2606:4700:4700::1111", 8443, "/"),
    ("https://[2A00:1450::1]/", "2a00:1450::1", 443, "/"),
]


@pytest.mark.parametrize(("url", "host", "port", "path"), ALLOWED)
def test_a_public_url_is_read_in_one_way(url: str, host: str, port: int, path: str) -> None:
    target = parse_target(url, PUBLIC)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)
    assert (target.url.raw_host, target.url.port, target.url.raw_path_qs) == (host, port, path)


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("http://example.com/", PLAIN),
        ("http://8.8.8.8:8080/", PLAIN),
        ("http://127.0.0.1:9000/hook", LOCAL),
        ("https://127.0.0.1:9000/hook", LOCAL),
        ("http://localhost:9000/hook", LOCAL),
        ("http://LOCALHOST/", LOCAL),
        ("https://localhost/", LOCAL),
        ("http://[::1]:9000/", Egress(allow_networks=(ip_network("::1/128"),))),
        ("http://localhost/", Egress(allow_networks=(ip_network("::1/128"),))),
        ("http://10.1.2.3/", Egress(allow_networks=(ip_network("10.0.0.0/8"),))),
    ],
)
def test_what_an_installation_allows_is_allowed(url: str, policy: Egress) -> None:
    assert parse_target(url, policy).scheme in url.lower()


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("http://example.com/", LOCAL),
        ("http://10.0.0.1/", LOCAL),
        ("http://8.8.8.8/", LOCAL),
        ("http://a.localhost/", LOCAL),
        ("http://[::1]/", LOCAL),
        ("http://[::ffff:127.0.0.1]/", LOCAL),
        ("http://127.1/", LOCAL),
        ("http://intranet/", PLAIN),
        ("http://127.0.0.1/", PLAIN),
        ("http://localhost/", PLAIN),
        ("https://localhost/", Egress(allow_networks=(ip_network("10.0.0.0/8"),))),
    ],
)
def test_what_an_installation_allows_opens_nothing_else(url: str, policy: Egress) -> None:
    with pytest.raises((TargetForbidden, UrlRejected)):
        parse_target(url, policy)


@pytest.mark.parametrize(
    ("url", "policy", "hint"),
    [
        ("http://127.0.0.1:9000/", PUBLIC, "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8"),
        ("http://localhost:9000/", PUBLIC, "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8"),
        ("http://[::1]/", PUBLIC, "ROWHOOK_ALLOW_NETWORKS=::1/128"),
        ("https://10.1.2.3/", LOCAL, "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8,10.1.2.3/32"),
        ("https://169.254.169.254/", PUBLIC, None),
        ("https://[::ffff:127.0.0.1]/", PUBLIC, None),
        ("https://intranet/", PUBLIC, None),
        ("https://224.0.0.1/", PUBLIC, None),
    ],
)
def test_a_refused_local_target_names_the_line_to_set(
    url: str, policy: Egress, hint: str | None
) -> None:
    with pytest.raises(TargetForbidden) as caught:
        parse_target(url, policy)
    assert (str(caught.value), caught.value.hint) == (FORBIDDEN, hint)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_makes_the_parser_do_anything_but_read_or_refuse(host: str, path: str) -> None:
    try:
        target = parse_target(f"https://{host}/{path}", PUBLIC)
    except (TargetForbidden, UrlRejected):
        return
    assert target.host.isascii()
    assert target.path.isascii()
    assert target.path.startswith("/")
    assert not {" ", "\r", "\n", "#", "\\"} & set(str(target.url))


class Recorder:
    """Makes no connection: notes the address that would be dialled, and fails."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    def __call__(self, info: AddrInfoType) -> socket.socket:
        self.dialled.append(str(info[4][0]))
        raise OSError(111, "recorded")


class Names:
    """A resolver whose answers are given, one list a question; the last stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def attempt(
    url: str, recorder: Recorder, names: Names, policy: Egress = PUBLIC, times: int = 1
) -> list[Verdict]:
    connector = make_connector(policy, limit=8, resolver=names, open_socket=recorder)
    verdicts = []
    async with GuardedTransport(policy, connector) as transport:
        for _ in range(times):
            with pytest.raises(Failure) as caught:
                await transport.handle_async_request(httpx.Request("POST", url))
            verdicts.append(caught.value.verdict)
            assert not any(char.isdigit() for char in caught.value.text)
    return verdicts


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answers", "dialled"),
    [
        (["93.184.216.34"], ["93.184.216.34"]),
        (["127.0.0.1"], []),
        (["93.184.216.34", "127.0.0.1"], []),
        (["127.0.0.1", "93.184.216.34"], []),
        (["93.184.216.34", "2606:4700::1", "fe80::1%eth0"], []),
        (["93.184.216.34", "::ffff:10.0.0.1"], []),
        ([*["93.184.216.34"] * 50, "169.254.169.254"], []),
        (["not an address"], []),
    ],
)
async def test_a_name_is_dialled_only_if_all_its_answers_are_permitted(
    answers: list[str], dialled: list[str]
) -> None:
    recorder = Recorder()
    [verdict] = await attempt("https://example.com/", recorder, Names(answers))
    assert recorder.dialled == dialled
    assert verdict is (Verdict.CONNECT_FAILED if dialled else Verdict.TARGET_FORBIDDEN)


@pytest.mark.anyio
async def test_each_attempt_resolves_once_and_dials_what_that_answer_said() -> None:
    recorder, names = Recorder(), Names(["93.184.216.34"], ["127.0.0.1"], ["93.184.216.35"])
    verdicts = await attempt("https://rebinding.example/", recorder, names, times=3)
    assert verdicts == [Verdict.CONNECT_FAILED, Verdict.TARGET_FORBIDDEN, Verdict.CONNECT_FAILED]
    assert recorder.dialled == ["93.184.216.34", "93.184.216.35"]
    assert len(names.asked) == 3


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "ftp://a.b/",
    ],
)
async def test_a_forbidden_literal_opens_no_socket(url: str) -> None:
    recorder = Recorder()
    assert await attempt(url, recorder, Names([])) == [Verdict.TARGET_FORBIDDEN]
    assert recorder.dialled == []


@pytest.mark.anyio
async def test_the_socket_factory_refuses_a_literal_even_if_no_parser_saw_it() -> None:
    recorder = Recorder()
    connector = make_connector(PUBLIC, limit=1, resolver=Names([]), open_socket=recorder)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:1/")
    assert recorder.dialled == []


@pytest.mark.anyio
async def test_a_name_with_many_addresses_is_dialled_a_bounded_number_of_times() -> None:
    recorder = Recorder()
    many = [f"93.184.216.{n}" for n in range(200)] + [f"2606:4700::{n:x}" for n in range(200)]
    assert await attempt("https://example.com/", recorder, Names(many)) == [Verdict.CONNECT_FAILED]
    assert len(recorder.dialled) <= 10
    assert len(set(recorder.dialled)) == 4


@pytest.mark.anyio
async def test_a_name_without_an_answer_is_a_dns_failure() -> None:
    assert await attempt("https://example.com/", Recorder(), Names([])) == [Verdict.DNS_FAILED]


@pytest.mark.anyio
async def test_localhost_is_never_asked_for_and_means_the_allowed_loopback() -> None:
    names = Names(["93.184.216.34"])
    async with Receiver() as receiver:
        connector = make_connector(LOCAL, limit=1, resolver=names)
        async with GuardedTransport(LOCAL, connector) as transport:
            url = f"http://localhost:{receiver.port}/hook"
            response = await transport.handle_async_request(httpx.Request("POST", url))
    assert response.status_code == 200
    assert names.asked == []
    assert receiver.requests[0].header("Host") == f"localhost:{receiver.port}"


@pytest.mark.anyio
async def test_a_pooled_connection_is_reused_without_another_resolution() -> None:
    names = Names(["127.0.0.1"])
    policy = Egress(allow_networks=LOCAL.allow_networks, allow_http=True)
    async with Receiver() as receiver:
        connector = make_connector(policy, limit=4, resolver=names)
        async with GuardedTransport(policy, connector) as transport:
            for _ in range(5):
                url = f"http://hooks.example.com:{receiver.port}/"
                await transport.handle_async_request(httpx.Request("POST", url))
    assert (receiver.connections, names.asked) == (1, ["hooks.example.com"])


@pytest.mark.anyio
async def test_attempts_share_a_running_lookup_and_no_finished_one() -> None:
    asked: list[str] = []
    loop = asyncio.get_running_loop()
    release = asyncio.Event()

    def ask(host: str) -> list[str]:
        asked.append(host)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(timeout=5)
        return ["93.184.216.34"]

    lookup = ThreadedLookup(ask)
    waiting = [asyncio.create_task(lookup("slow.example")) for _ in range(20)]
    waiting[0].cancel()
    await asyncio.sleep(0)
    release.set()
    assert (await asyncio.gather(*waiting[1:]))[0] == ["93.184.216.34"]
    assert asked == ["slow.example"]
    await lookup("slow.example")
    assert asked == ["slow.example", "slow.example"]


@pytest.mark.anyio
async def test_the_systems_errors_reach_the_one_who_asked() -> None:
    def ask(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    with pytest.raises(socket.gaierror):
        await ThreadedLookup(ask)("down.example")
