"""Running jobs on Taskiq: its receiver, middlewares and `.kiq()`, over whatever stores jobs."""
