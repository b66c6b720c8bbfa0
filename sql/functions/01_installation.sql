-- Identity of the installation. A copy of the database is recognized by facts that a copy does not
-- share with the original. A copy sends nothing until rowhook.adopt (41_adopt.sql) is called in it.

create or replace function rowhook.place(xact xid8, epoch int) returns xid8
language sql immutable parallel safe
return (xact::text::bigint + (epoch::bigint << 48))::text::xid8;
comment on function rowhook.place(xid8, int) is
  'position of a transaction in commit order across clusters: the epoch from bit 48 up, the transaction id below';

create or replace function rowhook.xid_of(place xid8) returns bigint
language sql immutable parallel safe
return place::text::bigint & 281474976710655;
comment on function rowhook.xid_of(xid8) is 'transaction id of a position, without its epoch';

create or replace function rowhook.settled_before() returns xid8
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return rowhook.place(
    pg_snapshot_xmin(pg_current_snapshot()), coalesce((select i.epoch from rowhook.installation i where i.singleton), 0));
end
$$;
comment on function rowhook.settled_before() is
  'position of the oldest transaction that is still open; anything that commits from now on has this position or a later one';

create or replace function rowhook.fingerprint(
  out system_identifier bigint, out database_oid oid, out table_oid oid, out nonce text, out neon_timeline text
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if has_function_privilege('pg_control_system()', 'execute') then
    select c.system_identifier into system_identifier from pg_control_system() as c;
  end if;
  select d.oid into database_oid from pg_database d where d.datname = current_database();
  table_oid := 'rowhook.installation'::regclass;
  select split_part(setting, '=', 2) into nonce
  from pg_db_role_setting s, unnest(s.setconfig) as setting
  where s.setdatabase = database_oid and s.setrole = 0 and setting like 'rowhook.installation=%';
  neon_timeline := nullif(current_setting('neon.timeline_id', true), '');
end
$$;
comment on function rowhook.fingerprint() is
  'facts about this database that its copies do not share; null: unknown';

create or replace function rowhook.copy_evidence(stored rowhook.installation) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  actual record;
begin
  select * into actual from rowhook.fingerprint();
  -- A fact that was unknown when the installation was adopted, or is unknown now, proves nothing.
  return 'This database is a copy: ' || case
    when stored.system_identifier <> actual.system_identifier then format(
      'the system identifier of the cluster is %s, and was %s when the installation was adopted',
      actual.system_identifier, stored.system_identifier)
    when stored.neon_timeline <> actual.neon_timeline then format(
      'the Neon timeline is %s, and was %s when the installation was adopted',
      actual.neon_timeline, stored.neon_timeline)
    when stored.database_oid <> actual.database_oid then format(
      'the database has the OID %s, and had %s when the installation was adopted',
      actual.database_oid, stored.database_oid)
    when stored.table_oid <> actual.table_oid then
      'the schema rowhook was restored from a dump'
    when stored.nonce <> coalesce(actual.nonce, '') then
      'the database setting rowhook.installation differs from the one made when the installation was adopted'
    when stored.highest_xid > pg_snapshot_xmax(pg_current_snapshot()) then format(
      'the next transaction id of the cluster is %s, and was %s or more before',
      pg_snapshot_xmax(pg_current_snapshot()), stored.highest_xid)
  end || '.';
end
$$;
comment on function rowhook.copy_evidence(rowhook.installation) is
  'first fact by which this database differs from the recorded installation, as a sentence; null if it does not';

create or replace function rowhook.lock_installation() returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select pg_advisory_xact_lock(hashtext('rowhook.installation'))
$$;
comment on function rowhook.lock_installation() is
  'locks out other sessions that record, adopt or suspend the installation, until the transaction ends';

create or replace function rowhook.record_installation() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  new_nonce text := gen_random_uuid();
  actual record;
begin
  begin
    execute format('alter database %I set rowhook.installation = %L', current_database(), new_nonce);
  exception when insufficient_privilege then
    -- Requires a superuser, or SET on parameter "rowhook.installation".
    new_nonce := null;
  end;
  select * into actual from rowhook.fingerprint();
  insert into rowhook.installation as i (
    system_identifier, database_oid, table_oid, nonce, neon_timeline, checked_server, checked_file,
    epoch_system_identifier, highest_xid)
  values (
    actual.system_identifier, actual.database_oid, actual.table_oid, new_nonce, actual.neon_timeline,
    pg_postmaster_start_time(), pg_relation_filepath('rowhook.installation'), actual.system_identifier, rowhook.highest_xid())
  on conflict (singleton) do update
    set system_identifier = excluded.system_identifier, database_oid = excluded.database_oid,
        table_oid = excluded.table_oid, nonce = excluded.nonce, neon_timeline = excluded.neon_timeline,
        adopted_at = excluded.adopted_at, checked_server = excluded.checked_server,
        checked_file = excluded.checked_file, suspended_at = null, suspended_reason = null;
end
$$;
comment on function rowhook.record_installation() is
  'records this database as the installation, with a new nonce';

create or replace function rowhook.highest_xid() returns xid8
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Events written before this table existed may have come from another cluster.
  select greatest(
    pg_snapshot_xmax(pg_current_snapshot()),
    (select max(newest.xact)
     from rowhook.organization o,
     lateral (
       select e.xact from rowhook.event e where e.organization_id = o.id
       order by e.xact desc, e.id desc limit 1) as newest))
$$;
comment on function rowhook.highest_xid() is
  'highest transaction id so far, of this cluster or of the events of epoch 0';

create or replace function rowhook.check_installation() returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  stored rowhook.installation;
  reason text;
begin
  select * into stored from rowhook.installation;
  reason := coalesce(stored.suspended_reason, rowhook.copy_evidence(stored));
  if current_setting('transaction_read_only') = 'on' or (
    stored.checked_server = pg_postmaster_start_time() and stored.checked_file = pg_relation_filepath('rowhook.installation')
    and stored.suspended_reason is not distinct from reason)
  then
    return reason;
  end if;
  -- Read again under the lock: another session may have recorded or adopted the installation in the
  -- meantime.
  perform rowhook.lock_installation();
  select * into stored from rowhook.installation;
  if not found then
    perform rowhook.record_installation();
    select * into stored from rowhook.installation;
  end if;
  reason := coalesce(stored.suspended_reason, rowhook.copy_evidence(stored));
  update rowhook.installation i
  set checked_server = pg_postmaster_start_time(),
      checked_file = pg_relation_filepath('rowhook.installation'),
      suspended_at = case when reason is not null then coalesce(i.suspended_at, now()) end,
      suspended_reason = reason;
  return reason;
end
$$;
comment on function rowhook.check_installation() is
  'compares the recorded facts with the current ones and suspends all deliveries if they differ; returns the reason for the suspension, null if there is none';

-- Called under the settings of claim, fall_asleep and warn_or_disable.
create or replace function rowhook.may_send() returns boolean
language plpgsql
as $$
declare
  sends boolean;
begin
  -- Reads one row (8 µs). All facts are compared (70 µs) only after a restart of the server.
  select i.suspended_at is null into sends from rowhook.installation i
  where i.singleton
    and i.checked_server = pg_postmaster_start_time()
    and i.checked_file = pg_relation_filepath('rowhook.installation');
  return coalesce(sends, rowhook.check_installation() is null);
end
$$;
comment on function rowhook.may_send() is 'whether this database is the installation; a copy sends nothing';

create or replace function rowhook.copy_advice() returns text
language sql immutable parallel safe
return 'If this is the same installation after pg_upgrade, a restore or a move, run `rowhook adopt`.'
  ' If the original is still running, leave this copy suspended, or run `rowhook adopt --cancel-waiting` to send only new events.';
comment on function rowhook.copy_advice() is 'advice for the operator of a copy';

create or replace function rowhook.suspension()
returns table (suspended_at timestamptz, reason text, advice text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select i.suspended_at, i.suspended_reason, rowhook.copy_advice()
  from rowhook.installation i
  where i.suspended_at is not null
$$;
comment on function rowhook.suspension() is
  'why deliveries are suspended, with advice; no row if they are not';
