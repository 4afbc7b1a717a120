"""The job queue in PostgreSQL."""
