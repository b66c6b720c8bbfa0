-- The copies on links: kept by two triggers, made in the transaction that fills them, so that no
-- change of a webhook is missed.

create or replace function rowhook.describe_link() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  linked rowhook.webhook;
begin
  -- Locked, so that a change of the webhook meanwhile waits and then finds this link.
  select * into linked from rowhook.webhook w where w.id = new.webhook_id for share;
  -- Of one that is gone the foreign key says so.
  if found then
    new.event_types := linked.event_types;
    new.state := linked.state;
    new.first_delay_s := linked.retry_schedule_s[1];
    new.ordered := linked.ordered;
  end if;
  return new;
end
$$;

create or replace function rowhook.describe_links() returns trigger
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

create or replace trigger describe_link
  before insert on rowhook.link
  for each row execute function rowhook.describe_link();

create or replace trigger describe_links
  after update of event_types, state, retry_schedule_s, ordered on rowhook.webhook
  for each row execute function rowhook.describe_links();

update rowhook.link l
set event_types = w.event_types, state = w.state, first_delay_s = w.retry_schedule_s[1], ordered = w.ordered
from rowhook.webhook w where w.id = l.webhook_id;
