-- The capture of every source that can still be read. Each is replaced only where its own text changed.
select rowhook.install_capture(s) from rowhook.source s where rowhook.mapping_fault(s) is null;
