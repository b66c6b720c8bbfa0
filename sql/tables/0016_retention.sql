-- How long each kind of row is kept, and what retention has removed: facts that retention, heal,
-- the capture and doctor read.

create table rowhook.retention (
  kind text primary key,
  place int not null unique,
  concerns text not null,
  keep interval,
  applied_setting text,
  passed_at timestamptz,
  passed_id bigint,
  passed_webhook uuid,
  settled_id bigint not null default 0,
  next_id bigint not null default 0,
  next_xact xid8 not null default pg_current_xact_id(),
  last_run_at timestamptz,
  last_finished_at timestamptz,
  removed bigint not null default 0,
  constraint keep_is_not_negative check (keep >= interval '0'),
  constraint keep_is_in_days_and_hours check (extract(year from keep) = 0 and extract(month from keep) = 0),
  constraint keep_is_at_most_100_years check (keep <= interval '36500 days')
);
comment on column rowhook.retention.keep is 'rows of a higher age are removed; null: never';
comment on column rowhook.retention.place is 'the order in which a run goes through the kinds';
comment on column rowhook.retention.applied_setting is
  'the value of ROWHOOK_RETENTION_DAYS or ROWHOOK_KEEP_BODIES that was applied last: the same value again changes nothing';
comment on column rowhook.retention.passed_at is 'up to which finished_at the rows of this kind were removed: the next batch begins here; null: at the beginning';
comment on column rowhook.retention.passed_id is 'up to which id the rows were looked at; null: none';
comment on column rowhook.retention.passed_webhook is 'the webhook that was looked at last; null: the next pass begins';
comment on column rowhook.retention.settled_id is 'events: all transactions that may write an event up to this id have ended';
comment on column rowhook.retention.next_id is 'settled_id once all transactions before next_xact have ended';
comment on column rowhook.retention.last_run_at is 'when the last run began';
comment on column rowhook.retention.last_finished_at is 'when a run last came to its end';
comment on column rowhook.retention.removed is 'rows that the last run removed';

insert into rowhook.retention (place, kind, keep, concerns) values
  (1, 'delivered', '30 days', 'delivered; age counts from completion'),
  (2, 'failed', '30 days', 'dead, cancelled or skipped; age counts from completion'),
  (3, 'held', '90 days', 'held and no longer retried by themselves; age counts from creation'),
  (4, 'events', '30 days', 'events without a delivery'),
  (5, 'attempts', '30 days', 'attempts of deliveries'),
  (6, 'bodies', '3 days', 'requests and responses of accepted attempts; never longer than the attempts'),
  (7, 'failed_bodies', '30 days', 'requests and responses of other attempts; never longer than the attempts'),
  (8, 'audit', '365 days', 'the audit log'),
  (9, 'revisions', '365 days',
   'earlier revisions of webhooks; age counts from replacement; kept longer while a kept delivery or attempt may name them'),
  (10, 'signing_secrets', '30 days', 'signing secrets; age counts from expiry'),
  (11, 'capture_errors', '30 days', 'capture errors that were healed'),
  (12, 'open_capture_errors', '90 days', 'open capture errors');

-- What rowhook.heal may still look for, though its event is gone.
create table rowhook.removed_event (
  source text not null,
  row_id text not null,
  type text not null,
  moment timestamptz not null,
  captured_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (source, row_id, type)
);
comment on column rowhook.removed_event.moment is 'the latest time of the row for which there was an event; infinity: of any time';
comment on column rowhook.removed_event.captured_at is 'when the event was captured; -infinity: not known';
comment on column rowhook.removed_event.expires_at is 'from when rowhook.heal no longer looks at the row';
create index removed_event_expired on rowhook.removed_event (expires_at);
comment on index rowhook.removed_event_expired is 'rowhook.remove_leftovers: what heal no longer looks at';

-- Until now an event left no trace when it was removed, and heal looked back for half the retention, of
-- which the shortest is a day. A delivery that is kept shows that no event captured later was removed.
alter table rowhook.source add column heal_from timestamptz not null default '-infinity';
comment on column rowhook.source.heal_from is 'heal never looks further back: what retention removed before 0016 left no trace';
update rowhook.source
set heal_from = least(now() - interval '12 hours', (select min(o.finished_at) from rowhook.outbox o where o.finished_at is not null))
where pg_sequence_last_value('rowhook.event_id') is not null;
