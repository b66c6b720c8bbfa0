"""From a webhook and an event to the request to send."""
