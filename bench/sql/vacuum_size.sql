vacuum rowhook.event, rowhook.outbox, rowhook.attempt_row, rowhook.exchange
