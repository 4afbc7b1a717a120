"""Everything kept in PostgreSQL, and the embedded server it may run on."""
