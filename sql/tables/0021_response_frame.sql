-- Each update of a delivery changes an indexed column, so none uses the room that its page keeps free.
alter table rowhook.outbox set (fillfactor = 100);

-- Most headers of a receiver's responses are the same in each of them. They are stored once, in a frame,
-- as the common part of the requests already is.
alter table rowhook.exchange add column response_frame_id int;
alter table rowhook.failed_exchange add column response_frame_id int;
