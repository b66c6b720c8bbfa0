"""Forbidden networks, their boundaries, and an independent list of ranges for random addresses."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from ipaddress import ip_network

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
# Neighbours of a forbidden network that are in another one.
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


def random_addresses(seed: int, count: int) -> Iterator[tuple[str, bool]]:
    """Returns addresses, half of each family, and whether each is public."""
    dice = random.Random(seed)  # noqa: S311  # a repeatable sample
    corners = {bits: [0x2000 << 112 if bits == 128 else 0, 0] for bits in (32, 128)}
    for net in map(ip_network, CLOSED):
        corners[net.max_prefixlen].append(int(net.network_address))
    for _ in range(count // 2):
        v4, v6 = (
            dice.choice(corners[bits]) ^ dice.getrandbits(dice.randint(1, bits))
            for bits in (32, 128)
        )
        yield socket.inet_ntoa(v4.to_bytes(4)), oracle_v4(v4)
        yield socket.inet_ntop(socket.AF_INET6, v6.to_bytes(16)), oracle_v6(v6)
