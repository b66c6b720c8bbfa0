"""Sessions and sign-in links of the dashboard."""

from __future__ import annotations

import asyncio
import hashlib

import psycopg
import pytest

from rowhook.db import statements
from rowhook.services.access import SCOPES, NotAuthenticated
from rowhook.services.sessions import authenticate_visitor, make_link, open_link, sign_in, sign_out
from tests.support.calls import ADMIN_KEY, Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


async def test_a_session_has_the_organization_and_scopes_of_its_key(
    api: Api, platform: Platform
) -> None:
    key = await api.key_of(platform.organization, "read", "replay")
    visitor = await authenticate_visitor(api.server_ctx, await sign_in(api.server_ctx, key))
    assert (visitor.organization, visitor.scopes) == (
        platform.organization,
        frozenset({"read", "replay"}),
    )
    operator = await authenticate_visitor(api.server_ctx, await sign_in(api.server_ctx, ADMIN_KEY))
    assert (operator.organization, operator.name) == (None, "ROWHOOK_ADMIN_KEY")


async def test_an_unknown_key_cannot_sign_in(api: Api, platform: Platform) -> None:
    with pytest.raises(NotAuthenticated, match="Unknown API key"):
        await sign_in(api.server_ctx, "rhk_" + "x" * 40)
    assert await platform.value("select count(*) from rowhook.sign_in") == 0


async def test_a_session_ends_with_its_key(api: Api, platform: Platform) -> None:
    token = await sign_in(api.server_ctx, await api.key_of(platform.organization))
    await platform.run("delete from rowhook.api_key")
    with pytest.raises(NotAuthenticated, match="Unknown API key"):
        await authenticate_visitor(api.server_ctx, token)


async def test_a_session_ends_on_sign_out_and_on_expiry(api: Api, platform: Platform) -> None:
    signed_out, expired = (
        await sign_in(api.server_ctx, ADMIN_KEY),
        await sign_in(api.server_ctx, ADMIN_KEY),
    )
    await sign_out(api.server_ctx, signed_out)
    await platform.run("update rowhook.sign_in set ends_at = now() - interval '1 s'")
    for token in (signed_out, expired, None, "", "never given"):
        with pytest.raises(NotAuthenticated, match="Sign in"):
            await authenticate_visitor(api.server_ctx, token)
    await sign_in(api.server_ctx, ADMIN_KEY)
    assert await platform.value("select count(*) from rowhook.sign_in") == 1


async def test_a_link_opens_one_session_of_an_operator(api: Api) -> None:
    link = await make_link(api.server_ctx.pool)
    results = await asyncio.gather(
        *(open_link(api.server_ctx, link) for _ in range(8)), return_exceptions=True
    )
    tokens = [result for result in results if isinstance(result, str)]
    refused = [result for result in results if isinstance(result, NotAuthenticated)]
    assert (len(tokens), len(refused)) == (1, 7)
    visitor = await authenticate_visitor(api.server_ctx, tokens[0])
    assert (visitor.organization, visitor.scopes) == (None, frozenset(SCOPES))


async def test_a_sign_in_link_is_not_a_session_and_expires(api: Api, platform: Platform) -> None:
    link = await make_link(api.server_ctx.pool)
    with pytest.raises(NotAuthenticated, match="Sign in"):
        await authenticate_visitor(api.server_ctx, link)
    await platform.run("update rowhook.sign_in set ends_at = now() - interval '1 s'")
    with pytest.raises(NotAuthenticated, match="15 minutes"):
        await open_link(api.server_ctx, link)


async def test_tokens_are_stored_as_hashes(api: Api, platform: Platform) -> None:
    token = await sign_in(api.server_ctx, ADMIN_KEY)
    rows = await platform.rows("select hash, key_hash from rowhook.sign_in")
    assert [tuple(row.values()) for row in rows] == [
        (hashlib.sha256(token.encode()).digest(), hashlib.sha256(ADMIN_KEY.encode()).digest())
    ]


async def test_sign_in_functions_are_refused_to_organizations(api: Api, platform: Platform) -> None:
    ctx = api.server_ctx.ctx.for_actor(api.server_ctx.pool, platform.organization, "a test")
    for call in (
        "rowhook.sign_in('\\x00', false, null, now() + interval '1 h')",
        "rowhook.open_sign_in('\\x00', '\\x01', now() + interval '1 h')",
        "rowhook.signed_in('\\x00')",
        "rowhook.sign_out('\\x00')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Sign-in functions"):
            await statements.rows(ctx.pool, f"select {call}")
