-- Circuit breaker of a webhook, warnings, and disabling it after continuous failures.

create or replace function rowhook.update_circuit(
  webhook uuid, failures int, successes int, retry_after_s double precision, max_in_flight int
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
  opens_after constant int := 10;
  longest_s constant double precision := 300;
  lane rowhook.lane_state;
begin
  if failures > 0 and successes = 0 then
    insert into rowhook.lane_state (webhook_id) values (webhook) on conflict do nothing;
  end if;
  select * into lane from rowhook.lane_state s where s.webhook_id = webhook for update;
  if not found then
    return;
  end if;
  if successes > 0 then
    lane.failures := 0;
    lane.failing_since := null;
  else
    lane.failures := lane.failures + failures;
    lane.failing_since := case when lane.failures > 0 then coalesce(lane.failing_since, now()) end;
  end if;
  if lane.circuit = 'half_open' and failures <= successes then
    -- Ramps up: each success allows one more delivery in flight.
    lane.allowed := lane.allowed + successes;
    if lane.allowed > max_in_flight then
      lane.circuit := 'closed';
    end if;
  elsif lane.circuit = 'half_open' or (lane.circuit = 'closed' and lane.failures >= opens_after) then
    lane.pause_s := least(case when lane.circuit = 'half_open' then lane.pause_s * 2 else 1 end, longest_s);
    lane.circuit := 'open';
    lane.probe_at := now() + make_interval(
      secs => greatest(rowhook.jittered(lane.pause_s::numeric), least(coalesce(retry_after_s, 0), longest_s)));
  elsif lane.circuit = 'open' and successes > 0 then
    lane.probe_at := least(lane.probe_at, now());
  end if;
  update rowhook.lane_state s
  set circuit = lane.circuit, failures = lane.failures, failing_since = lane.failing_since,
      pause_s = lane.pause_s, allowed = lane.allowed,
      probe_at = case when lane.circuit <> 'closed' then lane.probe_at end
  where s.webhook_id = webhook;
end
$$;
comment on function rowhook.update_circuit(uuid, int, int, double precision, int) is
  'updates the circuit breaker by a batch of results: ten consecutive failures open it, a successful probe half-opens it, and it closes when max_in_flight is allowed again';

create or replace function rowhook.notify_webhooks(webhook uuid, type text, reason text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  queued bigint;
begin
  execute $sql$
  with subject as (
    select nextval('rowhook.event_id') as event_id, w.organization_id,
           json_build_object(
             'organization', json_build_object('id', coalesce(o.external_id, o.id::text), 'name', o.name),
             'webhook', json_build_object('id', w.id, 'name', w.name, 'state', w.state),
             'reason', $3) as snapshot
    from rowhook.webhook w
    join rowhook.organization o on o.id = w.organization_id
    where w.id = $1
  ), inserted as (
    insert into rowhook.event (id, organization_id, type, key, snapshot, occurred_at)
    select event_id, organization_id, $2, $2 || ':' || $1 || ':' || event_id, snapshot, now()
    from subject
    returning id, xact, organization_id, type
  )$sql$ || rowhook.enqueue_sql(
    -- Sent at once: the first delay of a webhook is for completions.
    '(select w.id as webhook_id, w.organization_id, w.ordered, w.event_types, 0 as first_delay_s,
             case w.state when ''disabled'' then ''skipped'' else ''pending'' end as first_status,
             w.state <> ''disabled'' as starts_ready
           from rowhook.webhook w) as l on l.organization_id = e.organization_id',
    -- Only webhooks whose event_types name the type, and never the webhook that the event is about.
    'e.type = any (l.event_types) and l.webhook_id <> $1')
    using webhook, type, reason;
  get diagnostics queued = row_count;
  if queued > 0 then
    perform rowhook.wake();
  end if;
end
$$;
comment on function rowhook.notify_webhooks(uuid, text, text) is
  'creates an operational event about a webhook for the webhooks of its organization whose event_types name it';

create or replace function rowhook.disable(webhook uuid, reason text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  update rowhook.webhook w set state = 'disabled', disabled_reason = reason
  where w.id = webhook and w.state <> 'disabled';
  if found then
    insert into rowhook.lane_state as s (webhook_id, warned) values (webhook, 100)
    on conflict (webhook_id) do update set warned = 100;
    perform rowhook.notify_webhooks(webhook, 'webhook.disabled', reason);
  end if;
end
$$;
comment on function rowhook.disable(uuid, text) is
  'disables a webhook: its deliveries are skipped from now on, and webhook.disabled is sent';

create or replace function rowhook.warn_or_disable() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  disable_after constant interval := '5 days';
  min_failures constant int := 20;
  lane record;
  reported bigint := 0;
begin
  -- A copy sends nothing, so continuing failures there are not the receiver's.
  if not rowhook.may_send() then
    return 0;
  end if;
  for lane in
    select s.webhook_id, s.failures, s.failing_since, s.warned,
           -- One step at a time: no webhook is disabled without warnings, however late this runs.
           (select min(step) from unnest(array[50, 70, 90, 100]) as step
            where step > s.warned and step <= progress.share * 100) as step
    from rowhook.lane_state s
    join rowhook.webhook w on w.id = s.webhook_id and w.state = 'active',
    lateral (
      select least(extract(epoch from now() - s.failing_since) / extract(epoch from disable_after),
                   s.failures / min_failures::numeric) as share
    ) as progress
    where s.failing_since < now() - disable_after / 2 or (s.failures = 0 and s.warned > 0)
    order by s.webhook_id
    for update of s skip locked
  loop
    continue when lane.failures > 0 and lane.step is null;
    reported := reported + 1;
    if lane.failures = 0 then
      perform rowhook.notify_webhooks(lane.webhook_id, 'webhook.recovered', 'the receiver accepts deliveries again');
    elsif lane.step = 100 then
      perform rowhook.disable(lane.webhook_id, format(
        'every attempt has failed for 5 days, since %s (%s attempts)', rowhook.rfc3339(lane.failing_since), lane.failures));
      continue;
    else
      perform rowhook.notify_webhooks(lane.webhook_id, 'webhook.failing', format(
        'every attempt has failed since %s (%s attempts); the webhook is disabled if this continues until %s',
        rowhook.rfc3339(lane.failing_since), lane.failures, rowhook.rfc3339(lane.failing_since + disable_after)));
    end if;
    update rowhook.lane_state s set warned = case when lane.failures = 0 then 0 else lane.step end
    where s.webhook_id = lane.webhook_id;
  end loop;
  delete from rowhook.lane_state s
  where (s.circuit = 'closed' and s.failures = 0 and s.warned = 0
         and (s.tokens is null or s.refilled_at < now() - interval '1 minute'))
    or not exists (select from rowhook.webhook w where w.id = s.webhook_id);
  return reported;
end
$$;
comment on function rowhook.warn_or_disable() is
  'warns of webhooks that only fail, at 50, 70 and 90 per cent of 5 days and 20 attempts, disables them at 100, and reports recoveries; returns the number of events';
