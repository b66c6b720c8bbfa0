-- Any table can be a source of events: a row of rowhook.source for each watched table. An event keeps
-- names, ids and times in plain columns; whoever sends or shows it makes the JSON. All of this adds:
-- the functions of the version before go on until those of this one replace them.

do $$
declare
  dependent constant text := (
    select string_agg(distinct v.oid::regclass::text, ', ')
    from pg_depend d
    join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    join pg_class v on v.oid = r.ev_class
    where d.refobjid in (to_regclass('rowhook.delivery'), to_regclass('rowhook.capture_gap'))
      and v.relnamespace <> 'rowhook'::regnamespace);
begin
  if dependent is not null then
    raise exception 'Views of yours read rowhook.delivery or rowhook.capture_gap, whose job_id becomes text: %.', dependent
      using hint = 'Drop them, run rowhook migrate, and make them again.';
  end if;
end
$$;

alter table rowhook.organization add column external_id text;
alter table rowhook.organization add constraint organization_is_known_by_external_id unique (external_id);
comment on column rowhook.organization.external_id is 'the id in the platform''s own table, where that is not a uuid';

alter table rowhook.agent add column external_id text;
alter table rowhook.agent add constraint agent_is_known_by_external_id unique (organization_id, external_id);
create index agent_by_external_id on rowhook.agent (external_id) where external_id is not null;
comment on index rowhook.agent_by_external_id is 'capture: the agent of a row that names no organization';
comment on column rowhook.agent.external_id is 'the id in the platform''s own table, where that is not a uuid';

create table rowhook.source (
  name text primary key,
  kind text not null constraint source_kind_is_known
    check (kind in ('jobs', 'commits', 'organizations', 'agents', 'goals', 'sessions')),
  relation regclass not null,
  mapping jsonb not null,
  strict boolean not null default false,
  installed_at timestamptz not null default now(),
  history_until timestamptz not null default '-infinity',
  future_ids text[] not null default '{}',
  settled_at timestamptz not null default now(),
  next_settled_at timestamptz not null default now(),
  next_xact xid8 not null default pg_current_xact_id(),
  passed_until timestamptz,
  passes_to timestamptz,
  looked_again_until timestamptz not null default '-infinity',
  heal_error text,
  constraint source_is_one_per_table_and_kind unique (relation, kind)
);
comment on column rowhook.source.mapping is 'what each field is read from: a column, a dotted path into a json column, or {"value": constant}';
comment on column rowhook.source.strict is 'an error inside the capture fails the platform''s statement instead of being healed later';
comment on column rowhook.source.history_until is 'the latest completion that was there when it was watched, by the table''s own times: up to it nothing is ever sent';
comment on column rowhook.source.future_ids is 'the completions dated in the future that were there when it was watched: history too';
comment on column rowhook.source.settled_at is
  'everything completed before has its event: all transactions of that time have ended, and rowhook.heal has looked';
comment on column rowhook.source.next_settled_at is 'settled_at once all transactions before next_xact have ended';
comment on column rowhook.source.passed_until is
  'how far rowhook.heal has come in its pass over everything since settled_at; null: the next pass begins';
comment on column rowhook.source.passes_to is 'settled_at when the pass has ended';
comment on column rowhook.source.looked_again_until is 'how far rowhook.heal has come in checking older rows again';
comment on column rowhook.source.heal_error is 'why the last heal could not look into the table; null if it could';

insert into rowhook.source
  (name, kind, relation, mapping, strict, installed_at, settled_at, next_settled_at, next_xact,
   passed_until, passes_to, looked_again_until)
select s.name, builtin.kind, builtin.relation, builtin.mapping, s.strict, s.installed_at, s.settled_at,
       s.next_settled_at, s.next_xact, s.passed_until, s.passes_to, s.looked_again_until
from rowhook.capture_source s
join (values
  ('job', 'jobs', 'rowhook.job'::regclass,
   '{"id": "id", "agent_version_id": "agent_version_id", "status": "status", "status_code": "status_code",
     "cost": "cost", "output": "output", "metadata": "metadata", "created_at": "created_at",
     "completed_at": "completed_at"}'::jsonb),
  ('commit', 'commits', 'rowhook.commit'::regclass,
   '{"id": "id", "goal_id": "goal_id", "session_id": "session_id", "interview_id": "interview_id",
     "data": "data", "committed_at": "committed_at"}'::jsonb)
) as builtin (name, kind, relation, mapping) on builtin.name = s.name;

alter table rowhook.event
  add column source text,
  add column job_text text,
  add column template_id text,
  add column interview_id text,
  add column organization_name text,
  add column organization_external_id text,
  add column agent_name text,
  add column agent_external_id text,
  add column agent_version_id text,
  add column agent_version_name text,
  add column job_status text,
  add column status_code text,
  add column cost text,
  add column job_created_at text,
  add column is_untimed boolean,
  add column row_time timestamptz,
  alter column snapshot drop not null;
comment on column rowhook.event.source is 'the source that it was captured from; null for tests and operational events';
comment on column rowhook.event.snapshot is 'names and times of an event that no source made; null for captured ones, which have them in columns';
comment on column rowhook.event.is_untimed is 'its time cannot be written in RFC 3339 (infinite, BC, after 9999): null in payloads; occurred_at is when it was captured';
comment on column rowhook.event.row_time is 'the time that the platform gave the same completion later; null while it is occurred_at';

-- Called by the trigger on event that the version before has: what its capture writes gets a source too.
create or replace function rowhook.fit_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  bytes constant bigint := coalesce(octet_length(new.data::text), 0) + coalesce(octet_length(new.context::text), 0);
begin
  if bytes > 1048576 then
    new.oversize_bytes := bytes;
    new.data := null;
    new.context := null;
  end if;
  if new.type not like 'webhook.%' then
    new.source := case when new.job_id is not null then 'job' when new.commit_id is not null then 'commit' end;
    new.job_text := new.job_id;
    if not (new.occurred_at >= '0001-01-01 UTC' and new.occurred_at < '10000-01-01 UTC') then
      new.occurred_at := new.created_at;
      new.is_untimed := true;
    end if;
  end if;
  return new;
end
$$;

alter table rowhook.outbox
  add column claimed_at timestamptz,
  add column stuck_at timestamptz;
comment on column rowhook.outbox.claimed_at is 'when it was last claimed';
comment on column rowhook.outbox.stuck_at is 'three leases after it was last claimed: what is `sending` still then is shown as stuck';

alter table rowhook.capture_error add column tried_at timestamptz;
create index capture_error_rows on rowhook.capture_error using gin (source_ids) where healed_at is null;
comment on index rowhook.capture_error_rows is 'whether a row has an open error already';
comment on column rowhook.capture_error.tried_at is 'when it was last tried to make up for it';
