"""The bounded template language of webhooks, compiled into closures."""
