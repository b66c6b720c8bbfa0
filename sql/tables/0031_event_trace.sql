-- The trace that a row of a watched table names, if its mapping has `traceparent`.

alter table rowhook.event add column traceparent text;
