-- What the fan-out needs of the webhook, so that a capture joins links alone. Filled by
-- the next file, which locks nothing that a capture reads.
alter table rowhook.link
  add column event_types text[] not null default '{}',
  add column state text not null default 'active',
  add column first_delay_s double precision not null default 0,
  add column ordered boolean not null default false;
comment on column rowhook.link.first_delay_s is 'the first delay of the webhook''s schedule; it, event_types, state and ordered follow the webhook';
