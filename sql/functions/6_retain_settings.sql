-- The ages: changed by SQL, by rowhook.set_retention, or by settings when a worker starts.

create or replace function rowhook.reject_kind(kind text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  raise exception using errcode = 'RH008', message = format('Unknown kind %s.', quote_literal(kind)),
    hint = (select 'Kinds: ' || string_agg(r.kind, ', ' order by r.place) || '.' from rowhook.retention r);
end
$$;
comment on function rowhook.reject_kind(text) is 'raises RH008: retention knows no such kind of rows';

create or replace function rowhook.retention_kinds() returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select r.kind from rowhook.retention r order by r.place
$$;
comment on function rowhook.retention_kinds() is 'the kinds of rows that retention knows, in the order of a run';

create or replace function rowhook.check_retention(kind text, keep interval) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if extract(year from keep) <> 0 or extract(month from keep) <> 0 or not (keep >= '0' and keep <= '36500 days') then
    raise exception using errcode = 'RH008', message = format('Cannot keep %s for %s.', kind, keep),
      hint = 'Use days and hours, from 0 to 36500 days, such as ''30 days'' or ''12 hours''; null keeps for ever.';
  end if;
end
$$;
comment on function rowhook.check_retention(text, interval) is 'raises RH008 for an age that is negative, counts months or is over 100 years';

create or replace function rowhook.fit_retention() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.check_retention(new.kind, new.keep);
  -- Start over: a shorter age applies to rows that were passed.
  new.passed_at := null;
  new.passed_id := null;
  new.passed_webhook := null;
  perform rowhook.note(null, 'retention.changed', new.kind, json_build_object('keep', old.keep), json_build_object('keep', new.keep));
  return new;
end
$$;

create or replace function rowhook.set_retention(kind text, keep interval) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '5s'
as $$
begin
  if not exists (select from rowhook.retention r where r.kind = set_retention.kind) then
    perform rowhook.reject_kind(kind);
  end if;
  perform rowhook.check_retention(kind, keep);
  update rowhook.retention r set keep = set_retention.keep where r.kind = set_retention.kind and r.keep is distinct from set_retention.keep;
end
$$;
comment on function rowhook.set_retention(text, interval) is
  'how long a kind of rows is kept; null: for ever. RH008 if the kind or the age cannot be used';

create or replace function rowhook.apply_retention_settings(days int default null, bodies text default null) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  age constant interval := make_interval(days => days);
begin
  update rowhook.retention r
  set keep = wanted.keep, applied_setting = wanted.setting
  from (
    select kind, age as keep, days || ' days' as setting from unnest(array['delivered', 'failed', 'events', 'attempts']) as kind
    where days is not null
    union all
    select 'bodies', case when bodies <> 'all' then interval '0' end, bodies where bodies is not null
    union all
    select 'failed_bodies', case bodies when 'none' then interval '0' when 'failed' then age end, concat_ws(', ', bodies, days || ' days')
    where bodies is not null
    union all
    select 'failed_bodies', age, days || ' days' where bodies is null and days is not null
  ) as wanted (kind, keep, setting)
  where r.kind = wanted.kind and r.applied_setting is distinct from wanted.setting;
end
$$;
comment on function rowhook.apply_retention_settings(int, text) is
  'applies ROWHOOK_RETENTION_DAYS and ROWHOOK_KEEP_BODIES (all, failed or none) where they are set and differ from what was applied last';

create or replace function rowhook.stored_bodies(out accepted boolean, out failed boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(bool_and(r.keep is distinct from '0') filter (where r.kind = 'bodies'), true),
         coalesce(bool_and(r.keep is distinct from '0') filter (where r.kind = 'failed_bodies'), true)
  from rowhook.retention r
$$;
comment on function rowhook.stored_bodies() is
  'whether workers store the request and response of accepted attempts, and of others: not where they are kept for no time';
