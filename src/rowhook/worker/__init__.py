"""Claims, renders, sends and records deliveries."""
