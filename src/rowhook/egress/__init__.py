"""Which targets may be connected to, and the transport that connects."""
