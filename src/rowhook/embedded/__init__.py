"""A PostgreSQL cluster of Rowhook's own, used if DATABASE_URL is not set."""
