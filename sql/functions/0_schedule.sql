-- When a try comes due.

create or replace function rowhook.jittered(delay_s numeric) returns double precision
language sql volatile parallel safe
return delay_s::double precision * (0.8 + 0.4 * random());
comment on function rowhook.jittered(numeric) is 'seconds, ±20 %; zero stays zero';

create or replace function rowhook.delay_after(schedule_s numeric[], step int) returns double precision
language sql volatile parallel safe
return rowhook.jittered(schedule_s[step + 2]);
comment on function rowhook.delay_after(numeric[], int) is
  'seconds from the attempt at place `step` (from 0) to the next; null where the schedule ends';
