vacuum (analyze) rowhook.event, rowhook.outbox
