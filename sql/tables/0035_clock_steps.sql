-- How far the clock of the server was set back, so that lists by id (85_many_webhooks.sql) read so much further.

alter table rowhook.installation
  add column clock_read_to bigint not null default 0,
  add column newest_creation timestamptz,
  add column clock_set_back_by interval not null default '0',
  add column clock_set_back_at bigint not null default 0;

comment on column rowhook.installation.clock_read_to is 'id of the last delivery whose creation time rowhook.note_clock_steps has compared';
comment on column rowhook.installation.newest_creation is 'latest creation time of the deliveries up to clock_read_to; null before the first';
comment on column rowhook.installation.clock_set_back_by is 'how much earlier than a previous delivery a stored one was created, at most';
comment on column rowhook.installation.clock_set_back_at is 'id of the last delivery that was created earlier than a previous one';

-- Of many stored deliveries only the newest are compared, because reading all takes minutes.
update rowhook.installation
set clock_read_to = greatest((select max(o.id) from rowhook.outbox o) - 1000000, 0);
