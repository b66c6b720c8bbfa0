from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.egress.errors import FORBIDDEN, TargetForbidden, UrlRejected
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import parse_target
from tests.support.address_ranges import edges, random_addresses
from tests.support.url_spellings import ALLOWED, REFUSED

PUBLIC = EgressPolicy()
LOCAL = EgressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
PLAIN = EgressPolicy(allow_http=True)


@pytest.mark.parametrize(("address", "expected"), edges())
def test_each_forbidden_network_has_exact_boundaries(address: str, *, expected: bool) -> None:
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
def test_addresses_that_are_not_public_are_rejected(address: str) -> None:
    assert not PUBLIC.permits(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "223.255.255.255", "2000::", "2606:4700:4700::1111", "2a00:1450::1"],
)
def test_public_addresses_are_permitted(address: str) -> None:
    assert PUBLIC.permits(address)


def test_random_addresses_agree_with_an_independent_list_of_ranges() -> None:
    for address, expected in random_addresses(20260523, 100_000):
        assert PUBLIC.permits(address) is expected, address


@given(st.ip_addresses(), st.integers(0, 32))
def test_an_allowed_network_permits_only_its_own_addresses(address: object, bits: int) -> None:
    network = ip_network("10.128.0.0").supernet(new_prefix=bits)
    policy = EgressPolicy(allow_networks=(network,))
    address_object = ip_address(str(address))
    assert policy.permits(str(address_object)) is (
        address_object in network or PUBLIC.permits(str(address_object))
    )


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_a_local_or_ambiguous_url_is_rejected(url: str) -> None:
    with pytest.raises((TargetForbidden, UrlRejected)) as caught:
        parse_target(url, PUBLIC)
    text = str(caught.value)
    assert not any(part in text for part in ("127", "example", "8443", "65536", "meta"))


def test_there_are_enough_rejected_url_spellings() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 120


@pytest.mark.parametrize(("url", "host", "port", "path"), ALLOWED)
def test_a_public_url_has_one_interpretation(url: str, host: str, port: int, path: str) -> None:
    target = parse_target(url, PUBLIC)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)
    parsed = urlsplit(target.url)
    path_sent = f"{parsed.path}?{parsed.query}" if parsed.query else parsed.path
    assert (parsed.hostname, parsed.port or 443, path_sent) == (host, port, path)


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
        ("http://[::1]:9000/", EgressPolicy(allow_networks=(ip_network("::1/128"),))),
        ("http://localhost/", EgressPolicy(allow_networks=(ip_network("::1/128"),))),
        ("http://10.1.2.3/", EgressPolicy(allow_networks=(ip_network("10.0.0.0/8"),))),
    ],
)
def test_allowed_networks_and_http_are_permitted(url: str, policy: EgressPolicy) -> None:
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
        ("https://localhost/", EgressPolicy(allow_networks=(ip_network("10.0.0.0/8"),))),
    ],
)
def test_allowed_networks_and_http_permit_nothing_else(url: str, policy: EgressPolicy) -> None:
    with pytest.raises((TargetForbidden, UrlRejected)):
        parse_target(url, policy)


@pytest.mark.parametrize(
    ("url", "policy", "setting"),
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
def test_a_rejected_local_target_names_the_setting_to_change(
    url: str, policy: EgressPolicy, setting: str | None
) -> None:
    with pytest.raises(TargetForbidden) as caught:
        parse_target(url, policy)
    assert (str(caught.value), caught.value.setting) == (FORBIDDEN, setting)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_parsed_or_rejected_by_the_url_parser(host: str, path: str) -> None:
    try:
        target = parse_target(f"https://{host}/{path}", PUBLIC)
    except (TargetForbidden, UrlRejected):
        return
    assert target.host.isascii()
    assert target.path.isascii()
    assert target.path.startswith("/")
    assert not {" ", "\r", "\n", "#", "\\"} & set(target.url)


def test_a_target_is_checked_under_the_policy_that_is_given() -> None:
    url = "http://127.0.0.1/"
    assert parse_target(url, LOCAL).host == "127.0.0.1"
    with pytest.raises((TargetForbidden, UrlRejected)):
        parse_target(url, PUBLIC)
    assert parse_target(url, LOCAL) is parse_target(url, LOCAL)
