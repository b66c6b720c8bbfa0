-- What waits for a page: the rendered outputs of kind `frontend`, in an order that each session has
-- of its own.

create table rowhook.callback (
  outbox_id bigint not null,
  staging int not null,
  organization_id uuid not null,
  session_id text not null,
  place bigint not null,
  revision int not null,
  body text not null,
  staged_at timestamptz not null default clock_timestamp(),
  written_at timestamptz,
  replaced boolean not null default false,
  primary key (outbox_id, staging),
  constraint place_is_one_callback_s unique (session_id, place)
);
comment on column rowhook.callback.staging is 'a delivery that is sent again is staged again, at a new place';
comment on column rowhook.callback.place is 'given under a lock of the session, so none becomes visible before a smaller one';
comment on column rowhook.callback.written_at is 'when it was first written to a connected page';

comment on column rowhook.callback.replaced is 'staged again before any page was known to have it; its place stays, for the page that had it all the same';
create index callback_unwritten on rowhook.callback (session_id, place) where written_at is null and not replaced;
comment on index rowhook.callback_unwritten is 'rowhook.callbacks_written: what a page has now';

alter table rowhook.callback enable row level security;
