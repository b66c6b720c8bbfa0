-- A callback waits without a place until every earlier output of its session is staged or final.
alter table rowhook.callback
  alter column place drop not null,
  add constraint written_at_a_place check (place is not null or written_at is null) not valid;
comment on column rowhook.callback.place is
  'in the order of the session''s commits, given under a lock of the session, so none becomes visible before a smaller one; null: an earlier output of the session is neither staged nor final';
