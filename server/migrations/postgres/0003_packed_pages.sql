-- Segments of before are pages that are not packed: they are made anew with the next change of their unit.
delete from segment;
