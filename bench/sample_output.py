"""Generates realistic job outputs, deterministic for a seed."""

from __future__ import annotations

import json
import random
from uuid import UUID

# Common words of business mail, so that texts compress about as well as real ones.
_WORDS = (  # noqa: SIM905  # a list literal would be much longer
    "account address agent amount answer approve arrival balance before between billing branch"
    " budget build calendar cancel carrier cause change charge check city claim client close cloud"
    " code column comment company complete confirm contact contract country credit customer data"
    " date delay deliver department deposit describe detail device discount document driver during"
    " email employee enough error estimate event evidence example expected explain export failure"
    " feature figure filter first follow forecast found freight further garden general goods group"
    " history hotel however image import inbound include incident increase industry inform initial"
    " inspect insurance intent invoice issue item journey known label language large later leader"
    " letter level license likely limit line list local location lower machine manager market"
    " material matter measure medical meeting member message method minute missing model module"
    " month morning named network normal notice number offer ctx often online open option order"
    " original other outcome owner package page paid partner party payment people period person"
    " phone place plan point policy portion position possible present price priority private"
    " problem process product profile program project promise proof provide public purchase"
    " quality quantity quarter question quick reason receipt recent record reduce refund region"
    " regular related release remain remote repair reply report request require research resolve"
    " response result return review risk route sales sample schedule second section segment select"
    " seller sender series service session settle several share ship short signal similar simple"
    " since single site size small social source special staff stage standard start state station"
    " status still stock stop storage store street strong subject submit success suggest summary"
    " supply support surface survey system table target task team technical term test ticket time"
    " title today token total track trade traffic training transfer travel trial type under unit"
    " update upload usage user valid value various vendor version visit volume waiting warehouse"
    " warning week weight while window within without worker write yard year zone"
).split()


def _text(source: random.Random, words: int) -> str:
    return " ".join(source.choice(_WORDS) for _ in range(words))


def _item(source: random.Random) -> dict[str, object]:
    return {
        "sku": f"{source.choice(_WORDS)[:3].upper()}-{source.randrange(10**5):05}",
        "name": _text(source, 2),
        "quantity": source.randrange(1, 40),
        "price": round(source.uniform(1, 900), 2),
    }


def job_output(source: random.Random, size: int) -> str:
    """Returns a JSON text of `size` characters, at least 700."""
    output = {
        "summary": f"{_text(source, 14)}.".capitalize(),
        "confidence": round(source.random(), 4),
        "category": source.choice(_WORDS),
        "request_id": str(UUID(int=source.getrandbits(128))),
        "items": [_item(source) for _ in range(4)],
        "contact": {
            "name": _text(source, 2).title(),
            "email": f"{source.choice(_WORDS)}.{source.choice(_WORDS)}@example.com",
            "phone": f"+49{source.randrange(10**9):09}",
        },
        "tokens": {"input": source.randrange(500, 9000), "output": source.randrange(50, 2000)},
        "notes": "",
    }
    padding = max(size - len(json.dumps(output)), 0)
    output["notes"] = _text(source, padding)[:padding]
    return json.dumps(output)
