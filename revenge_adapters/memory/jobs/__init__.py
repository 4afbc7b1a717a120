"""The job queue in memory."""
