-- Webhooks: configuration, revisions, the follow-up of a change, and links to goals and agents.

-- Without external_id: it is the identity of a webhook, which no old revision brings back.

create or replace function rowhook.configuration(w rowhook.webhook) returns json
language sql stable
return (
  select row_to_json(c) from (
    select w.name, w.description, w.metadata, w.kind, w.url, w.method, w.headers, w.body_template,
           w.raw_payload, w.schema, w.condition, w.event_types, w.timeout_s, w.max_in_flight,
           w.rate_per_s, w.ordered, w.retry_schedule_s) as c);

create or replace function rowhook.contains_text(search text, texts text[]) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(bool_or(strpos(lower(candidate), lower(search)) > 0), false) from unnest(texts) as candidate
$$;
comment on function rowhook.contains_text(text, text[]) is
  'whether one of the texts contains the search text, ignoring case; not a pattern';

create or replace function rowhook.webhook_page(
  organization uuid, agent uuid, goal text, wanted_state text, one uuid,
  before_at timestamptz, before_id uuid, most int, search text default null,
  with_external_id text default null
) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select w.id, rowhook.organization_platform_id(w.organization_id) as organization_id, w.name, w.description, w.metadata, w.url, w.kind, w.method, w.headers,
           w.body_template, w.raw_payload, w.schema, w.condition, w.event_types, w.timeout_s,
           w.max_in_flight, w.rate_per_s, w.ordered, w.retry_schedule_s, w.state, w.disabled_reason,
           w.revision, w.created_at, w.updated_at, w.external_id
    from rowhook.webhook w
    where (organization is null or w.organization_id = organization)
      and (one is null or w.id = one)
      and (wanted_state is null or w.state = wanted_state)
      and (with_external_id is null or w.external_id = with_external_id)
      and (agent is null or exists (
        select from rowhook.link l where l.webhook_id = w.id and l.agent_id = agent))
      and (goal is null or exists (
        select from rowhook.link l where l.webhook_id = w.id and l.goal_id = goal))
      and (search is null or rowhook.contains_text(search, array[w.name, w.description, w.url]))
      and (before_id is null or (w.created_at, w.id) < (before_at, before_id))
    order by w.created_at desc, w.id desc
    limit most) as document
$$;

create or replace function rowhook.number_revision() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Compared as values: 15 and 15.0 are equal.
  if to_jsonb(new) <> to_jsonb(old) then
    new.updated_at := now();
  end if;
  if rowhook.configuration(new)::jsonb <> rowhook.configuration(old)::jsonb then
    new.revision := old.revision + 1;
  end if;
  return new;
end
$$;

create or replace function rowhook.record_revision() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
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
    insert into rowhook.chore as c (webhook_id, until_xact)
    values (old.id, case when new.ordered and not old.ordered then pg_current_xact_id() end)
    on conflict (webhook_id) do update
      set due_at = now(), until_xact = coalesce(excluded.until_xact, c.until_xact);
    -- A fresh start: earlier failures no longer count, and a probe is sent at once.
    update rowhook.lane_state s
    set failures = 0, failing_since = null, pause_s = 0.5,
        probe_at = case when s.circuit <> 'closed' then now() end
    where s.webhook_id = old.id;
    perform rowhook.wake();
  end if;
  return null;
end
$$;

create or replace function rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  delete from rowhook.webhook_secret u
  where u.webhook_id = webhook and not u.secret_id = any (secret_ids);
  insert into rowhook.webhook_secret (webhook_id, organization_id, secret_id)
  select webhook, organization, used from unnest(secret_ids) as used
  on conflict do nothing;
$$;

create or replace function rowhook.create_webhook(
  document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea
) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  input rowhook.webhook := json_populate_record(null::rowhook.webhook, document);
begin
  perform rowhook.check_webhook_quota(organization);
  insert into rowhook.webhook (
    id, organization_id, name, description, metadata, kind, url, method, headers, body_template,
    raw_payload, schema, condition, event_types, timeout_s, max_in_flight, rate_per_s, ordered,
    retry_schedule_s, required_paths, external_id)
  values (
    webhook, organization, input.name, input.description, input.metadata, input.kind, input.url,
    input.method, input.headers, input.body_template, input.raw_payload, input.schema,
    input.condition, input.event_types, input.timeout_s, input.max_in_flight, input.rate_per_s,
    input.ordered, input.retry_schedule_s, coalesce(input.required_paths, '[]'), input.external_id);
  insert into rowhook.signing_secret (webhook_id, version, sealed) values (webhook, 1, signing_secret);
  perform rowhook.use_secrets(organization, webhook, secret_ids);
  return 1;
end
$$;
comment on function rowhook.create_webhook(json, uuid, uuid, text[], bytea) is
  'stores a validated webhook; returns its first revision';

create or replace function rowhook.change_webhook(
  document json, organization uuid, webhook uuid, secret_ids text[], expected_revision int
) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  saved rowhook.webhook;
  input rowhook.webhook;
  new_revision int;
begin
  select * into saved from rowhook.webhook w
  where w.id = webhook and w.organization_id = organization for update;
  if saved.revision <> expected_revision then
    raise exception using errcode = 'RH002',
      message = format('The webhook is at revision %s, not at %s.', saved.revision, expected_revision),
      hint = 'Read it again and apply your change to the current revision.';
  end if;
  -- A process of the previous release does not name new fields: they keep their values.
  input := json_populate_record(saved, document);
  update rowhook.webhook w set (
    name, description, metadata, kind, url, method, headers, body_template, raw_payload, schema,
    condition, event_types, timeout_s, max_in_flight, rate_per_s, ordered, retry_schedule_s,
    required_paths, external_id
  ) = (
    input.name, input.description, input.metadata, input.kind, input.url, input.method,
    input.headers, input.body_template, input.raw_payload, input.schema, input.condition,
    input.event_types, input.timeout_s, input.max_in_flight, input.rate_per_s, input.ordered,
    input.retry_schedule_s, coalesce(document -> 'required_paths', '[]'), input.external_id
  ) where w.id = webhook and w.organization_id = organization
  returning w.revision into new_revision;
  if new_revision is not null then
    perform rowhook.use_secrets(organization, webhook, secret_ids);
  end if;
  return new_revision;
end
$$;
comment on function rowhook.change_webhook(json, uuid, uuid, text[], int) is
  'replaces the configuration of a webhook by a validated one; returns the new revision, null if there is no such webhook. Raises RH002 if it is at another revision';

create or replace function rowhook.delete_webhook(webhook uuid) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with deleted as (delete from rowhook.webhook w where w.id = webhook returning 1)
  select exists (select from deleted)
$$;
comment on function rowhook.delete_webhook(uuid) is
  'deletes a webhook; false if there was none. Workers cancel its waiting deliveries; the foreign key of rowhook.link refuses it while it is linked';

create or replace function rowhook.set_state(webhook uuid, wanted text) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with changed as (
    update rowhook.webhook w set state = wanted, disabled_reason = null
    where w.id = webhook and w.state <> wanted and (w.state = 'active' or wanted = 'active')
    returning 1
  )
  select exists (select from changed)
$$;
comment on function rowhook.set_state(uuid, text) is
  'pauses an active webhook, or activates one that is paused or disabled; whether anything changed';

create or replace function rowhook.rotate_signing_secret(
  organization uuid, webhook uuid, next_version int, new_secret bytea,
  overlap interval default '24 hours'
) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- The secret is encrypted for this version, so a rotation that lost a race starts again.
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
  perform rowhook.write_audit(organization, 'webhook.secret_rotated', webhook::text, null,
    json_build_object('version', next_version, 'overlap', overlap));
  return true;
end
$$;

create or replace function rowhook.revision_of(webhook uuid, wanted int)
returns table (organization_id uuid, configuration text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select r.organization_id, r.configuration::text
  from rowhook.webhook_revision r where r.webhook_id = webhook and r.revision = wanted
$$;

create or replace function rowhook.revision_page(webhook uuid, before_revision int, most int)
returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select r.webhook_id, r.revision, r.configuration, r.created_at
    from rowhook.webhook_revision r
    where r.webhook_id = webhook and (before_revision is null or r.revision < before_revision)
    order by r.revision desc
    limit most) as document
$$;
comment on function rowhook.revision_page(uuid, int, int) is
  'revisions of a webhook, also of a deleted one, newest first';

-- Links: which completions go to which webhook, from now on. The past is never sent.

create or replace function rowhook.copy_webhook_to_link() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  linked rowhook.webhook;
begin
  -- Locked, so that a concurrent change of the webhook waits and then finds this link.
  select * into linked from rowhook.webhook w where w.id = new.webhook_id for share;
  -- If the webhook is gone, the foreign key raises an error.
  if found then
    new.event_types := linked.event_types;
    new.state := linked.state;
    new.first_delay_s := linked.retry_schedule_s[1];
    new.first_status := case linked.state when 'disabled' then 'skipped' else 'pending' end;
    new.starts_ready := linked.state <> 'disabled' and linked.retry_schedule_s[1] = 0;
    new.ordered := linked.ordered;
  end if;
  return new;
end
$$;
comment on function rowhook.copy_webhook_to_link() is
  'trigger: copies to a new link the fields of its webhook that captures need';

create or replace function rowhook.copy_webhook_to_links() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  update rowhook.link l
  set first_status = case new.state when 'disabled' then 'skipped' else 'pending' end,
      starts_ready = new.state <> 'disabled' and new.retry_schedule_s[1] = 0,
      event_types = new.event_types, state = new.state, first_delay_s = new.retry_schedule_s[1], ordered = new.ordered
  where l.webhook_id = new.id
    and (l.event_types, l.state, l.first_delay_s, l.ordered)
      is distinct from (new.event_types, new.state, new.retry_schedule_s[1]::double precision, new.ordered);
  return null;
end
$$;
comment on function rowhook.copy_webhook_to_links() is 'trigger: copies a change of a webhook to its links';

create or replace function rowhook.link_agent(webhook uuid, agent uuid) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with inserted as (
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
comment on function rowhook.link_agent(uuid, uuid) is
  'links a webhook to an agent; idempotent. false if they belong to different organizations or do not exist';

create or replace function rowhook.link_goal(webhook uuid, goal text) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with inserted as (
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
comment on function rowhook.link_goal(uuid, text) is
  'links a webhook to a goal; idempotent. false if they belong to different organizations or do not exist';

create or replace function rowhook.unlink(webhook uuid, agent uuid, goal text) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with unlinked as (
    delete from rowhook.link l
    where l.webhook_id = webhook and (l.agent_id = agent or l.goal_id = goal)
    returning 1
  )
  select exists (select from unlinked)
$$;
comment on function rowhook.unlink(uuid, uuid, text) is
  'removes a link, for completions whose statement starts after this commit; false if there was none';

create or replace function rowhook.link_page(webhook uuid, after_place bigint, most int)
returns table (place bigint, kind text, id text, name text, created_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select l.id, case when l.agent_id is null then 'goal' else 'agent' end,
         coalesce(a.external_id, l.agent_id::text, l.goal_id), coalesce(a.name, g.name, l.goal_id), l.created_at
  from rowhook.link l
  left join rowhook.agent a on a.id = l.agent_id
  left join rowhook.goal g on g.id = l.goal_id
  where l.webhook_id = webhook and l.id > after_place
  order by l.id
  limit most
$$;
comment on function rowhook.link_page(uuid, bigint, int) is
  'agents and goals that a webhook is linked to, with platform ids, oldest link first, after a position';

create or replace function rowhook.links_of(webhook uuid)
returns table (kind text, id text, name text, created_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select kind, id, name, created_at from rowhook.link_page(webhook, 0, null)
$$;
comment on function rowhook.links_of(uuid) is 'all links of a webhook, oldest first';
