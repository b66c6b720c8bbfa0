"""Other PostgreSQL queues that deliver the same requests, to compare Rowhook with."""
