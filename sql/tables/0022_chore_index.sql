create index chore_by_due_at on rowhook.chore (due_at);

comment on index rowhook.chore_by_due_at is 'rowhook.sweep: the next chore; rowhook.claim_batch: whether one is due';
