-- rowhook: outside a transaction
-- The events of a session in the order of commits. It replaces the index in the order of ids, so that
-- a capture maintains as many indexes as before.

alter table rowhook.callback validate constraint written_at_a_place;

drop index concurrently if exists rowhook.callback_waiting;

create index concurrently callback_waiting on rowhook.callback (session_id, outbox_id) where place is null and not replaced;

comment on index rowhook.callback_waiting is 'rowhook.place_waiting: the sessions with callbacks that wait for a place';

drop index concurrently if exists rowhook.event_in_session;

create index concurrently event_in_session on rowhook.event (session_id, xact, id) where session_id is not null;

comment on index rowhook.event_in_session is 'rowhook.place_callbacks: a session''s commits in their order; rowhook.delivery_page: what they fired';

drop index concurrently if exists rowhook.event_by_session;
