-- Fills what 0038 added. Writers of webhooks and links wait, so that each of their changes is either seen here or made
-- by the replaced functions; captures, which only read links, do not wait.
lock table rowhook.webhook, rowhook.link in share row exclusive mode;

-- Where the functions still have the names that 0011 gave them.
do $$
begin
  if to_regprocedure('rowhook.copy_webhook_to_link()') is null then
    alter function rowhook.describe_link() rename to copy_webhook_to_link;
    alter function rowhook.describe_links() rename to copy_webhook_to_links;
  end if;
end
$$;

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

create or replace function rowhook.copy_webhook_to_links() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  update rowhook.link l
  set event_types = new.event_types, state = new.state, first_delay_s = new.retry_schedule_s[1], ordered = new.ordered,
      first_status = case new.state when 'disabled' then 'skipped' else 'pending' end,
      starts_ready = new.state <> 'disabled' and new.retry_schedule_s[1] = 0
  where l.webhook_id = new.id
    and (l.event_types, l.state, l.first_delay_s, l.ordered)
      is distinct from (new.event_types, new.state, new.retry_schedule_s[1]::double precision, new.ordered);
  return null;
end
$$;

update rowhook.link l
set first_status = case l.state when 'disabled' then 'skipped' else 'pending' end,
    starts_ready = l.state <> 'disabled' and l.first_delay_s = 0
where l.state = 'disabled' or l.first_delay_s <> 0;
