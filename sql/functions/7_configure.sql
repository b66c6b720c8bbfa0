-- A change of a webhook or a secret: a revision, and the waiting rows that it concerns.

create or replace function rowhook.configuration(w rowhook.webhook) returns json
language sql stable
return (
  select row_to_json(c) from (
    select w.name, w.description, w.metadata, w.kind, w.url, w.method, w.headers, w.body_template,
           w.raw_payload, w.schema, w.condition, w.event_types, w.timeout_s, w.max_in_flight,
           w.rate_per_s, w.ordered, w.retry_schedule_s) as c);

create or replace function rowhook.number_revision() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  if rowhook.configuration(new)::text <> rowhook.configuration(old)::text then
    new.revision := old.revision + 1;
  end if;
  return new;
end
$$;
create or replace trigger number_revision
  before update on rowhook.webhook
  for each row execute function rowhook.number_revision();

create or replace function rowhook.keep_revision() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'DELETE' and (tg_op = 'INSERT' or new.revision > old.revision) then
    insert into rowhook.webhook_revision (webhook_id, revision, organization_id, name, configuration)
    values (new.id, new.revision, new.organization_id, new.name, rowhook.configuration(new));
  end if;
  if tg_op = 'INSERT' then
    return null;
  end if;
  if tg_op = 'DELETE' or new.state <> old.state
     or new.revision > old.revision or new.secrets_version > old.secrets_version then
    insert into rowhook.chore (webhook_id) values (old.id)
    on conflict (webhook_id) do update set created_at = clock_timestamp();
    perform rowhook.wake();
  end if;
  return null;
end
$$;
create or replace trigger keep_revision
  after insert or update or delete on rowhook.webhook
  for each row execute function rowhook.keep_revision();

create or replace function rowhook.spread_secret() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rowhook.webhook w set secrets_version = w.secrets_version + 1
  from rowhook.webhook_secret u
  where u.organization_id = new.organization_id and u.secret_id = new.id and w.id = u.webhook_id;
  return null;
end
$$;
create or replace trigger spread_secret
  after update on rowhook.secret
  for each row when (new.version > old.version)
  execute function rowhook.spread_secret();

create or replace function rowhook.save_webhook(
  document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea default null
) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  given rowhook.webhook := json_populate_record(null::rowhook.webhook, document);
  saved int;
begin
  insert into rowhook.webhook as w (
    id, organization_id, name, description, metadata, kind, url, method, headers, body_template,
    raw_payload, schema, condition, event_types, timeout_s, max_in_flight, rate_per_s, ordered,
    retry_schedule_s)
  values (
    webhook, organization, given.name, given.description, given.metadata, given.kind, given.url,
    given.method, given.headers, given.body_template, given.raw_payload, given.schema,
    given.condition, given.event_types, given.timeout_s, given.max_in_flight, given.rate_per_s,
    given.ordered, given.retry_schedule_s)
  on conflict (id) do update set (
    name, description, metadata, kind, url, method, headers, body_template, raw_payload, schema,
    condition, event_types, timeout_s, max_in_flight, rate_per_s, ordered, retry_schedule_s
  ) = (
    excluded.name, excluded.description, excluded.metadata, excluded.kind, excluded.url,
    excluded.method, excluded.headers, excluded.body_template, excluded.raw_payload,
    excluded.schema, excluded.condition, excluded.event_types, excluded.timeout_s,
    excluded.max_in_flight, excluded.rate_per_s, excluded.ordered, excluded.retry_schedule_s
  ) where w.organization_id = organization
  returning revision into saved;
  if saved is null then
    return null;
  end if;
  delete from rowhook.webhook_secret where webhook_id = webhook and not secret_id = any (secret_ids);
  insert into rowhook.webhook_secret (webhook_id, organization_id, secret_id)
  select webhook, organization, used from unnest(secret_ids) as used
  on conflict do nothing;
  if signing_secret is not null then
    insert into rowhook.signing_secret (webhook_id, version, sealed) values (webhook, 1, signing_secret);
  end if;
  return saved;
end
$$;
comment on function rowhook.save_webhook(json, uuid, uuid, text[], bytea) is
  'creates or replaces a webhook that was validated; its revision, null if it is another organization''s';

create or replace function rowhook.rotate_signing_secret(
  organization uuid, webhook uuid, next_version int, new_secret bytea,
  overlap interval default '24 hours'
) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The bytes are sealed for this version: a rotation that lost a race starts again.
  perform from rowhook.webhook w where w.id = webhook and w.organization_id = organization for update;
  if not found then
    return false;
  end if;
  if next_version <> (select max(version) + 1 from rowhook.signing_secret where webhook_id = webhook) then
    return false;
  end if;
  update rowhook.signing_secret set expires_at = least(expires_at, now() + overlap)
  where webhook_id = webhook;
  insert into rowhook.signing_secret (webhook_id, version, sealed)
  values (webhook, next_version, new_secret);
  update rowhook.webhook w set secrets_version = w.secrets_version + 1 where w.id = webhook;
  return true;
end
$$;

create or replace function rowhook.put_secret(
  organization uuid, secret_id text, next_version int, new_sealed bytea, hosts text[]
) returns boolean
language sql
set search_path = pg_catalog, pg_temp
as $$
  with put as (
    insert into rowhook.secret as s (organization_id, id, version, sealed, allowed_hosts)
    select organization, secret_id, next_version, new_sealed, hosts
    on conflict (organization_id, id) do update
      set version = excluded.version, sealed = excluded.sealed,
          allowed_hosts = excluded.allowed_hosts, updated_at = now()
      where s.version = excluded.version - 1
    returning 1
  )
  select exists (select from put)
$$;
comment on function rowhook.put_secret(uuid, text, int, bytea, text[]) is
  'false if another change came first: read secret_version, seal for the next, and put again';

create or replace function rowhook.secret_version(organization uuid, secret_id text) returns int
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select version from rowhook.secret where organization_id = organization and id = secret_id), 0)
$$;

create or replace function rowhook.secret_hosts(organization uuid, secret_ids text[])
returns table (id text, allowed_hosts text[])
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select s.id, s.allowed_hosts from rowhook.secret s
  where s.organization_id = organization and s.id = any (secret_ids)
$$;

create or replace function rowhook.link_agent(webhook uuid, agent uuid) returns boolean
language sql
set search_path = pg_catalog, pg_temp
as $$
  with made as (
    insert into rowhook.link (organization_id, webhook_id, agent_id)
    select w.organization_id, w.id, a.id
    from rowhook.webhook w join rowhook.agent a on a.organization_id = w.organization_id
    where w.id = webhook and a.id = agent
    on conflict do nothing
  )
  select exists (
    select from rowhook.webhook w join rowhook.agent a on a.organization_id = w.organization_id
    where w.id = webhook and a.id = agent)
$$;
comment on function rowhook.link_agent(uuid, uuid) is 'idempotent; false if the two are not of one organization';

create or replace function rowhook.link_goal(webhook uuid, goal text) returns boolean
language sql
set search_path = pg_catalog, pg_temp
as $$
  with made as (
    insert into rowhook.link (organization_id, webhook_id, goal_id)
    select w.organization_id, w.id, g.id
    from rowhook.webhook w join rowhook.goal g on g.organization_id = w.organization_id
    where w.id = webhook and g.id = goal
    on conflict do nothing
  )
  select exists (
    select from rowhook.webhook w join rowhook.goal g on g.organization_id = w.organization_id
    where w.id = webhook and g.id = goal)
$$;
comment on function rowhook.link_goal(uuid, text) is 'idempotent; false if the two are not of one organization';

create or replace function rowhook.revision_of(webhook uuid, wanted int)
returns table (organization_id uuid, configuration text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select r.organization_id, r.configuration::text
  from rowhook.webhook_revision r where r.webhook_id = webhook and r.revision = wanted
$$;

create or replace function rowhook.secrets_of(webhook uuid)
returns table (signing boolean, id text, version int, sealed bytea, allowed_hosts text[], expires_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select true, null, s.version, s.sealed, null::text[], s.expires_at
  from rowhook.signing_secret s
  where s.webhook_id = webhook and (s.expires_at is null or s.expires_at > now())
  union all
  select false, s.id, s.version, s.sealed, s.allowed_hosts, null
  from rowhook.webhook_secret u
  join rowhook.secret s on s.organization_id = u.organization_id and s.id = u.secret_id
  where u.webhook_id = webhook
  order by 1 desc, 3 desc
$$;

create or replace function rowhook.keyring_check(offered bytea) returns bytea
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rowhook.keyring_check (sealed) values (offered) on conflict do nothing;
  return (select sealed from rowhook.keyring_check);
end
$$;
comment on function rowhook.keyring_check(bytea) is
  'the word that this database''s keyring must open; the offered one becomes it on a new database';
