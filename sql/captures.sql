-- The captures of all sources that can still be read. Each is replaced only if its text changed.
select rowhook.install_capture(s) from rowhook.source s where rowhook.mapping_fault(s) is null;
