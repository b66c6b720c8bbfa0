copy rowhook.:table (goal_id, data) from stdin
