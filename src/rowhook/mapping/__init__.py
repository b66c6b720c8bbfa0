"""From the columns of a platform's table to the mapping of a source. Pure."""
