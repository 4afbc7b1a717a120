"""The shipped doubles: every port in memory, proven by the same contracts as the real adapters."""
