-- A standby that replays the creation of an unlogged sequence cannot read it after its promotion:
-- `bad magic number in sequence`, in captures and claims. The log costs little: setval runs in
-- transactions that write anyway, and nextval writes once in 32 calls. After a crash asleep may be
-- ahead, never behind, which costs one spare NOTIFY.
do $$
begin
  alter sequence rowhook.asleep set logged;
  alter sequence rowhook.awake set logged;
exception when internal_error then
  -- This server was promoted and cannot read them.
  drop function if exists rowhook.is_anyone_asleep();
  drop sequence rowhook.asleep, rowhook.awake;
  create sequence rowhook.asleep minvalue 1 start 1;
  create sequence rowhook.awake minvalue 0 start 0;
  create function rowhook.is_anyone_asleep() returns boolean language sql volatile
  return coalesce(pg_sequence_last_value('rowhook.asleep'::regclass), 1)
    > coalesce(pg_sequence_last_value('rowhook.awake'::regclass), 0);
end
$$;
