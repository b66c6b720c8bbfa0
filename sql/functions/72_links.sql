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
  set event_types = new.event_types, state = new.state, first_delay_s = new.retry_schedule_s[1], ordered = new.ordered
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
