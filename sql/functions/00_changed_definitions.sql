-- job_id became text: a view cannot change the type of a column, so these are made anew, in the
-- transaction that drops them.
do $$
begin
  if (select a.atttypid from pg_attribute a
      where a.attrelid = to_regclass('rowhook.delivery') and a.attname = 'job_id') = 'uuid'::regtype then
    drop view rowhook.shown_delivery, rowhook.api_delivery, rowhook.delivery, rowhook.capture_gap;
  end if;
end
$$;
