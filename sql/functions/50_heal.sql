-- Healing: creates the events that captures missed. A gap is a completed row without an event, never a
-- missing pair of event and link; otherwise a new link would send the past.

create or replace function rowhook.heal_column(source rowhook.source) returns text
language sql stable
set search_path = pg_catalog, pg_temp
return coalesce(source.mapping ->> rowhook.time_field(source.kind), source.mapping ->> 'created_at');
comment on function rowhook.heal_column(rowhook.source) is
  'column by which a source is searched; null if it has no time column, so that only failed captures are healed';

create or replace function rowhook.can_heal(source rowhook.source) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select source.kind not in ('jobs', 'commits')
    or rowhook.heal_column(source) is null
    or exists (
      select from pg_index i
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = source.relation and i.indisvalid and a.attname = rowhook.heal_column(source)
        and rowhook.base_type(a.atttypid) in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype))
    -- Small enough to be read whole, twice a minute.
    or (select coalesce(sum(pg_relation_size(t.relid)), pg_relation_size(source.relation)) from pg_partition_tree(source.relation) as t) < 67108864
$$;
comment on function rowhook.can_heal(rowhook.source) is
  'false for a large table without an index on its time column, which each search for gaps would read whole';

create or replace function rowhook.nth_time(source rowhook.source, since timestamptz, nth int, is_latest boolean) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
declare
  parts jsonb := rowhook.source_parts(source);
  filter constant text := coalesce(parts ->> 'is_complete', 'true');
  -- Written for an index on the column. If the column has no time zone, an expression over it is
  -- compared as well.
  scan constant text := 'select {time} from {relation} r where {moment} >= ($1{cast} and {time} {comparison} $1 and {filter} order by {moment}';
  result timestamptz;
begin
  parts := parts || jsonb_build_object('filter', filter);
  execute rowhook.fill_template(scan, parts || '{"comparison": ">="}') || case when is_latest then ' desc' else '' end || ' offset $2 limit 1'
    into result using since, nth;
  if result = since and not is_latest then
    -- A bulk of rows with the same time is searched as a whole; otherwise the pass would never get
    -- past it.
    execute rowhook.fill_template(scan, parts || '{"comparison": ">"}') || ' limit 1' into result using since;
  end if;
  return result;
end
$$;
comment on function rowhook.nth_time(rowhook.source, timestamptz, int, boolean) is
  'time of the nth completion after a time, or of the nth latest one; null if there are fewer';

create or replace function rowhook.begin_pass(progress rowhook.source) returns rowhook.source
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- All transactions of that time have ended, so every search of the pass sees their rows.
  moves constant boolean := progress.next_xact < pg_snapshot_xmin(pg_current_snapshot());
  is_absolute constant boolean := rowhook.column_type(progress.relation, rowhook.heal_column(progress)) = 'timestamptz'::regtype;
begin
  -- The time of a completion may precede the first write of its transaction by moments, and by hours
  -- if it has no time zone.
  progress.passed_until := progress.settled_at - case when is_absolute then interval '1 minute' else interval '15 hours' end;
  progress.passes_to := case when moves then progress.next_settled_at else progress.settled_at end;
  if moves then
    progress.next_settled_at := clock_timestamp();
    progress.next_xact := pg_current_xact_id();
  end if;
  return progress;
end
$$;
comment on function rowhook.begin_pass(rowhook.source) is
  'starts a pass over everything that is not settled; at its end, everything is settled up to the last moment whose transactions had all ended';

create or replace function rowhook.heal_pass(watched rowhook.source, oldest timestamptz, most int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- With this slice, five million rows are checked again within a day.
  slice constant int := 2000;
  since timestamptz;
  until timestamptz;
  again_until timestamptz;
  latest timestamptz;
  ids text[];
  healed bigint;
begin
  if watched.passed_until is null then
    watched := rowhook.begin_pass(watched);
  end if;
  since := greatest(watched.passed_until, oldest);
  until := rowhook.nth_time(watched, since, slice, false);
  -- The latest rows are searched in each call, so that they need not wait for the pass.
  latest := case when until is null then 'infinity' else rowhook.nth_time(watched, oldest, slice / 2, true) end;
  watched.looked_again_until := greatest(watched.looked_again_until, oldest);
  again_until := rowhook.nth_time(watched, watched.looked_again_until, slice, false);
  ids := array(
    select unnest(rowhook.missed_ids(watched, since, coalesce(until, 'infinity'), most))
    union select unnest(rowhook.missed_ids(watched, latest, 'infinity', most))
    union select unnest(rowhook.missed_ids(watched, watched.looked_again_until, coalesce(again_until, watched.settled_at), most))
    limit most);
  healed := rowhook.recapture(watched, rowhook.without_open_errors(watched.name, ids));
  -- Rows that cannot be captured have a capture error and do not block later ones.
  if cardinality(ids) < most or healed = 0 then
    watched.passed_until := until;
    watched.looked_again_until := coalesce(again_until, '-infinity');
    watched.settled_at := case when until is null then watched.passes_to else watched.settled_at end;
  end if;
  update rowhook.source s
  set passed_until = watched.passed_until, passes_to = watched.passes_to,
      settled_at = watched.settled_at, looked_again_until = watched.looked_again_until,
      next_settled_at = watched.next_settled_at, next_xact = watched.next_xact
  where s.name = watched.name;
  return healed;
end
$$;
comment on function rowhook.heal_pass(rowhook.source, timestamptz, int) is
  'searches a slice of the completions since settled_at, the latest ones, and a slice of older ones; returns how many events were created';

create or replace function rowhook.heal_source(source text, most int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  watched rowhook.source;
  oldest timestamptz;
  untimed text[];
  healed bigint;
begin
  select * into watched from rowhook.source s where s.name = heal_source.source for update skip locked;
  if watched.name is null or not rowhook.can_heal(watched) then
    return 0;
  end if;
  oldest := rowhook.heal_since(watched);
  untimed := array(select gap.source_id from rowhook.gaps_of(watched, 'infinity', 'infinity', oldest) as gap limit most);
  healed := rowhook.recapture(watched, rowhook.without_open_errors(watched.name, untimed));
  if watched.mapping ? rowhook.time_field(watched.kind) then
    healed := healed + rowhook.heal_pass(watched, oldest, most);
  end if;
  update rowhook.source s set heal_error = null where s.name = heal_source.source and s.heal_error is not null;
  return healed;
exception when others then
  -- A failing source does not block the others. Its error is recorded, and the next heal tries it
  -- again.
  update rowhook.source s set heal_error = sqlerrm, passed_until = null where s.name = heal_source.source;
  return 0;
end
$$;
comment on function rowhook.heal_source(text, int) is
  'heals one source and returns how many events were created';

create or replace function rowhook.is_healing() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select exists (select from rowhook.source where passed_until is not null)
$$;
comment on function rowhook.is_healing() is 'whether heal has more to search now';

create or replace function rowhook.heal(retention interval default '30 days') returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
-- If a watched table is locked, its source is skipped by one heal.
set lock_timeout = '1s'
as $$
declare
  most constant int := 10000;
  healed bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.heal')) then
    return 0;
  end if;
  healed := rowhook.retry_captures() + coalesce((
    select sum(rowhook.heal_source(s.name, most)) from rowhook.source s
    where s.kind in ('jobs', 'commits') and rowhook.mapping_fault(s) is null), 0);
  if healed > 0 then
    perform rowhook.wake();
  end if;
  return healed;
end
$$;
comment on function rowhook.heal(interval) is
  'creates the events that captures missed in the last 7 days, for the links of that time, and returns how many completions were captured. The argument has no effect';

-- Gaps among the newest completions, cheap enough for interactive calls.

create or replace function rowhook.newest_gaps(most int default 10000)
returns table (source text, source_id text, occurred_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  watched rowhook.source;
  since timestamptz;
begin
  for watched in select * from rowhook.source s where s.kind in ('jobs', 'commits') order by s.name loop
    continue when rowhook.mapping_fault(watched) is not null or not rowhook.can_heal(watched);
    begin
      since := rowhook.heal_since(watched);
      if watched.mapping ? rowhook.time_field(watched.kind) then
        since := coalesce(rowhook.nth_time(watched, since, most, true), since);
      end if;
      return query
        select watched.name, gap.source_id, gap.occurred_at from rowhook.gaps_of(watched, since, 'infinity', since) as gap limit most;
    exception when others then
      -- Also reported in rowhook.source.heal_error and by rowhook doctor.
      raise warning 'rowhook cannot search % for gaps: %', watched.name, sqlerrm;
    end;
  end loop;
end
$$;
comment on function rowhook.newest_gaps(int) is
  'rows without an event among the newest completions of each source; rowhook.gaps searches all 7 days';
