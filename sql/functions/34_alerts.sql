-- Operational events about deliveries that are held or wait, each once per episode.

create or replace function rowhook.alert_thresholds(
  organization uuid, out held int, out backlog int, out backlog_age_s int
)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(t.held, 1), coalesce(t.backlog, 10000), coalesce(t.backlog_age_s, 900)
  from (select) as always
  left join rowhook.alert_threshold t on t.organization_id = organization
$$;
comment on function rowhook.alert_thresholds(uuid) is
  'numbers of held and of due deliveries, and age in seconds of the oldest due one, from which webhook.held and webhook.backlog are sent';

create or replace function rowhook.change_alert_thresholds(organization uuid, changes jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  before rowhook.alert_threshold;
  after rowhook.alert_threshold;
begin
  if changes = '{}' then
    return;
  end if;
  insert into rowhook.alert_threshold (organization_id, held, backlog, backlog_age_s)
  select organization, t.held, t.backlog, t.backlog_age_s from rowhook.alert_thresholds(organization) as t
  on conflict do nothing;
  -- Locked, so that of two changes at once the second one starts from the first.
  select * into before from rowhook.alert_threshold t where t.organization_id = organization for update;
  update rowhook.alert_threshold t
  set held = coalesce((changes ->> 'held')::int, t.held),
      backlog = coalesce((changes ->> 'backlog')::int, t.backlog),
      backlog_age_s = coalesce((changes ->> 'backlog_age_s')::int, t.backlog_age_s)
  where t.organization_id = organization
  returning t.* into after;
  if after is distinct from before then
    perform rowhook.write_audit(organization, 'alert_threshold.changed', 'alerts',
      (to_jsonb(before) - 'organization_id')::json, (to_jsonb(after) - 'organization_id')::json);
  end if;
end
$$;
comment on function rowhook.change_alert_thresholds(uuid, jsonb) is
  'changes the thresholds of an organization''s alerts that `changes` names';

create or replace function rowhook.set_alert_thresholds(organization uuid, held int, backlog int, backlog_age_s int) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.change_alert_thresholds($1, jsonb_build_object('held', $2, 'backlog', $3, 'backlog_age_s', $4))
$$;
comment on function rowhook.set_alert_thresholds(uuid, int, int, int) is
  'sets the thresholds of an organization''s alerts';

create or replace function rowhook.alert_webhooks(organization uuid, most int) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select w.id, w.name, w.state, w.disabled_reason, w.event_types, w.metadata -> 'alert' as alert, w.created_at
    from rowhook.webhook w
    where w.organization_id = organization and json_typeof(w.metadata -> 'alert') = 'object'
    order by w.created_at desc, w.id desc
    limit most) as document
$$;
comment on function rowhook.alert_webhooks(uuid, int) is
  'webhooks of an organization that the page of alerts created, newest first';

-- 2: from the threshold, 1: from its half, 0: below. Reads no more entries of an index than the threshold.
create or replace function rowhook.held_level(webhook uuid, threshold int, out level int, out reason text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  held int;
begin
  select count(*) into held
  from (select from rowhook.outbox o where o.webhook_id = webhook and o.status = 'held' limit threshold) as o;
  level := (held >= threshold)::int + (held * 2 >= threshold)::int;
  if level = 2 then
    select format('%s held, the newest because: %s',
                  case when threshold = 1 then 'a delivery is' else threshold || ' or more deliveries are' end,
                  coalesce(o.last_error, 'unknown'))
    into reason
    from rowhook.outbox o
    where o.webhook_id = webhook and o.status = 'held'
    order by o.created_at desc
    limit 1;
  end if;
end
$$;
comment on function rowhook.held_level(uuid, int) is
  'how many held deliveries a webhook has, compared with a threshold';

create or replace function rowhook.backlog_level(webhook uuid, threshold int, age_s int, out level int, out reason text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  due int;
  oldest_s double precision;
begin
  select extract(epoch from now() - min(head.next_attempt_at)) into oldest_s
  from unnest(array[false, true]) as lane (late),
  lateral (
    select o.next_attempt_at from rowhook.outbox o
    where o.ready and o.webhook_id = webhook and o.late = lane.late
    order by o.next_attempt_at limit 1) as head;
  if oldest_s is null then
    level := 0;
    return;
  end if;
  select count(*) into due
  from (select from rowhook.outbox o where o.ready and o.webhook_id = webhook limit threshold) as o;
  level := (due >= threshold or oldest_s >= age_s)::int + (due * 2 >= threshold or oldest_s * 2 >= age_s)::int;
  if level = 2 then
    reason := case
      when oldest_s >= age_s then format(
        'the oldest delivery that is due waits since %s, longer than %s s',
        rowhook.rfc3339(now() - make_interval(secs => oldest_s)), age_s)
      else format('%s or more deliveries are due and wait', threshold) end;
  end if;
end
$$;
comment on function rowhook.backlog_level(uuid, int, int) is
  'how many due deliveries a webhook has and how old they are, compared with two thresholds; retries that are not yet due do not count';

create or replace function rowhook.announce_waiting() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- Longer than an attempt at a held delivery, during which it is not held.
  ends_after constant interval := '10 minutes';
  subject record;
  announced bigint := 0;
begin
  if not rowhook.may_send() then
    return 0;
  end if;
  for subject in
    with subscribed as materialized (
      select w.organization_id, bool_or('webhook.held' = any (w.event_types)) as to_held,
             bool_or('webhook.backlog' = any (w.event_types)) as to_backlog
      from rowhook.webhook w
      where w.event_types && array['webhook.held', 'webhook.backlog'] and w.state = 'active'
      group by w.organization_id
    )
    select w.id as webhook_id, figure.*
    from subscribed s
    cross join lateral rowhook.alert_thresholds(s.organization_id) as t
    join rowhook.webhook w on w.organization_id = s.organization_id and w.state = 'active'
    cross join lateral (
      select 'webhook.held' as type, h.* from rowhook.held_level(w.id, t.held) as h where s.to_held
      union all
      select 'webhook.backlog', b.* from rowhook.backlog_level(w.id, t.backlog, t.backlog_age_s) as b where s.to_backlog
    ) as figure
    where figure.level > 0
    order by w.id
  loop
    if subject.level = 2 then
      insert into rowhook.alert_episode (webhook_id, type) values (subject.webhook_id, subject.type)
      on conflict do nothing;
      if found then
        announced := announced + 1;
        perform rowhook.notify_webhooks(subject.webhook_id, subject.type, subject.reason);
      end if;
    end if;
    update rowhook.alert_episode e set seen_at = now()
    where e.webhook_id = subject.webhook_id and e.type = subject.type and e.seen_at < now() - ends_after / 10;
  end loop;
  -- An episode ends when it was below half of the threshold for this long, or its webhook was not active.
  delete from rowhook.alert_episode e where e.seen_at < now() - ends_after;
  return announced;
end
$$;
comment on function rowhook.announce_waiting() is
  'sends webhook.held and webhook.backlog, once per episode, about webhooks of organizations that have a webhook for them; returns the number of events';
