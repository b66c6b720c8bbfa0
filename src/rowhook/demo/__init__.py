"""A platform, its customers' endpoints and every way that a delivery can end, in one run."""
