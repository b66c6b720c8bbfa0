"""Statements with which a platform login tries to interfere with the capture.

Every trap counts who ran it: `hostile.own` for the login, `hostile.hijacked` for another role.
"""

from __future__ import annotations

_TRAP = """
create function hostile.trap() returns boolean language plpgsql as $$ begin
  perform pg_catalog.nextval(case when current_user operator(pg_catalog.=) session_user
    then 'hostile.own'::pg_catalog.regclass else 'hostile.hijacked'::pg_catalog.regclass end);
  return true;
end $$"""
SET_UP = (
    "create schema hostile",
    "grant usage on schema hostile to public",
    "create sequence hostile.own",
    "create sequence hostile.hijacked",
    "grant all on all sequences in schema hostile to public",
    _TRAP,
)
AHEAD = "set search_path = hostile, pg_temp, rowhook, public, pg_catalog"


def _function(signature: str, returns: str, name: str = "hostile") -> str:
    return (
        f"create function {name}.{signature} returns {returns} language plpgsql as"
        " $$ begin perform hostile.trap(); raise 'hijacked'; end $$"
    )


def _operator(place: int, symbol: str, left_type: str, right: str, returns: str) -> list[str]:
    name = f"operator_{place}"
    types = f"leftarg = {left_type}, rightarg = {right}"
    return [
        _function(f"{name}({left_type}, {right})", returns),
        f"create operator hostile.{symbol} ({types}, function = hostile.{name})",
    ]


def _cast(signature: str, returns: str, value: str) -> str:
    return (
        f"create function hostile.{signature} returns {returns} language plpgsql as"
        f" $$ begin perform hostile.trap(); return {value}; end $$"
    )


_FUNCTIONS = [
    _function("now()", "timestamptz"),
    _function("clock_timestamp()", "timestamptz"),
    _function("octet_length(text)", "int"),
    _function("octet_length(json)", "int"),
    _function("make_interval(secs float8)", "interval"),
    _function("make_interval(secs numeric)", "interval"),
    _function("row_to_json(record)", "json"),
    _function("to_char(timestamp, text)", "text"),
    _function("timezone(text, timestamptz)", "timestamp"),
    _function("pg_notify(text, text)", "void"),
    _function("nextval(regclass)", "bigint"),
    _function("random()", "float8"),
    _function("unnest(uuid[])", "setof uuid"),
    _function("unnest(text[])", "setof text"),
    _function("format(text, text)", "text"),
    _function("jittered(numeric)", "numeric"),
    _function("wake()", "void"),
    _function("rfc3339(timestamptz)", "text"),
    _function("note_capture_error(text, text[], text, text)", "void"),
    _function("setval(regclass, bigint)", "bigint"),
    _function("current_setting(text, boolean)", "text"),
    _function("is_anyone_asleep()", "boolean"),
    _function("pg_sequence_last_value(regclass)", "bigint"),
    _function("to_json(text)", "json"),
]
_OPERATORS = [
    statement
    for place, operator in enumerate(
        (
            ("=", "uuid", "uuid", "boolean"),
            ("=", "text", "text", "boolean"),
            ("=", "anyarray", "anyarray", "boolean"),
            ("<>", "text", "text", "boolean"),
            (">", "bigint", "bigint", "boolean"),
            ("<=", "bigint", "int", "boolean"),
            ("<=", "timestamptz", "timestamptz", "boolean"),
            ("=", "numeric", "int", "boolean"),
            ("||", "text", "text", "text"),
            ("+", "timestamptz", "interval", "timestamptz"),
        )
    )
    for statement in _operator(place, *operator)
]
_AGGREGATES = [
    _function("step(text, text)", "text"),
    "create aggregate hostile.max(text) (sfunc = hostile.step, stype = text)",
    _function("step(bigint)", "bigint"),
    "create aggregate hostile.count(*) (sfunc = hostile.step, stype = bigint, initcond = '0')",
]
_TYPES = [
    f"create domain hostile.{name} as pg_catalog.{name} check (hostile.trap())"
    for name in ("uuid", "text", "int8", "json", "timestamptz", "numeric", "bool")
]
_OURS = (
    "event",
    "outbox",
    "link",
    "webhook",
    "job",
    "commit",
    "goal",
    "agent",
    "agent_version",
    "organization",
    "session",
    "source",
    "capture_error",
    "new_rows",
    "old_rows",
)
_TEMP_TABLES = [
    *(f"create temp table {name} (id text default hostile.trap()::text)" for name in _OURS),
    *(f"create temp sequence {name}" for name in ("event_id", "asleep", "awake", "token")),
]
_CATALOG = [
    f"create temp table {name} (like pg_catalog.{name})"
    for name in ("pg_class", "pg_proc", "pg_type", "pg_operator", "pg_namespace", "pg_trigger")
]
_TEMP_FUNCTIONS = [
    _function("now()", "timestamptz", "pg_temp"),
    _function("octet_length(text)", "int", "pg_temp"),
    _function("wake()", "void", "pg_temp"),
]
_SETTINGS = [
    "set search_path = ''",
    "set datestyle = 'SQL, DMY'",
    "set intervalstyle = sql_standard",
    "set timezone = 'Pacific/Apia'",
    "set extra_float_digits = -15",
    "set bytea_output = escape",
    "set transform_null_equals = on",
    "set array_nulls = off",
    "set row_security = off",
    "set quote_all_identifiers = on",
    "set client_encoding = latin1",
    "set xmloption = document",
    "set lock_timeout = '1ms'",
    "set plan_cache_mode = force_custom_plan",
    "set plpgsql.extra_errors = 'all'",
    "set check_function_bodies = off",
    "set default_transaction_isolation = serializable",
    "set enable_indexscan = off",
    "set enable_nestloop = off",
    "set enable_seqscan = off",
    "set jit_above_cost = 0",
    "set rowhook.operator = 'on'",
    "set rowhook.organization = 'not a uuid'",
    "set rowhook.actor = 'key:root'",
]

# By name: the statements of the login before it finishes a job and commits to a goal.
ATTACKS: dict[str, list[str]] = {
    "functions of the same name and signature": [*_FUNCTIONS, AHEAD],
    "operators of the same name and types": [*_OPERATORS, AHEAD],
    "aggregates of the same name": [*_AGGREGATES, AHEAD],
    "types of the same name": [*_TYPES, AHEAD],
    "temporary tables and sequences named like ours": [*_TEMP_TABLES, AHEAD],
    "temporary tables named like the catalog": [*_CATALOG, "set search_path = pg_temp, rowhook"],
    "functions in the temporary schema": [*_TEMP_FUNCTIONS, "set search_path = pg_temp, rowhook"],
    "a schema named like ours in another case": [
        'create schema "Rowhook"',
        'create table "Rowhook".outbox (id bigint default hostile.trap()::int)',
        'set search_path = "Rowhook", rowhook',
    ],
    "casts of its own to the types that we store": [
        "create type hostile.mark as (x int)",
        _cast("as_json(hostile.mark)", "json", "'{\"n\": 1}'"),
        "create cast (hostile.mark as json) with function hostile.as_json as implicit",
        _cast("as_mark(json)", "hostile.mark", "row(1)"),
        AHEAD,
    ],
    "settings of every kind": _SETTINGS,
    "a view of its own over ours": [
        "create view hostile.commit as select * from rowhook.commit where hostile.trap()",
        AHEAD,
    ],
    "plans made under another path": [
        "set search_path = rowhook",
        "insert into rowhook.commit (goal_id, data) select id, '1' from rowhook.goal",
        *_FUNCTIONS,
        *_OPERATORS,
        AHEAD,
    ],
    "everything at once": [*_FUNCTIONS, *_OPERATORS, *_AGGREGATES, *_TYPES, *_TEMP_TABLES, AHEAD],
}

# Objects that would run in the capture; a producer cannot create them.
REFUSED = (
    "create trigger mine before insert on rowhook.commit for each row execute function {trap}",
    "create rule mine as on insert to rowhook.commit do also select hostile.trap()",
    "create table hostile.child () inherits (rowhook.job)",
    "create table hostile.held (id text references rowhook.commit)",
    "create event trigger mine on ddl_command_end execute function {trap}",
    "create cast (json as text) with function hostile.as_text(json) as implicit",
    "create operator class mine default for type uuid using btree as operator 1 =(uuid, uuid)",
    "alter table rowhook.commit alter column data set default hostile.trap()::text::json",
    "create index mine on rowhook.commit ((hostile.trap()))",
    "create statistics mine on (hostile.trap()), id from rowhook.commit",
    "alter role current_user set session_replication_role = replica",
    "set plpgsql.variable_conflict = use_variable",
)
