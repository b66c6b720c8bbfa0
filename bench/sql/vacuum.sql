vacuum (analyze) rowhook.event, rowhook.outbox, rowhook.job, rowhook.commit
