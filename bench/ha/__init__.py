"""High availability with the real parts: Patroni, etcd, two PostgreSQL nodes, workers and APIs."""
