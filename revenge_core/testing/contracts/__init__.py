"""One behaviour suite per port: subclass it, give it a fixture, and pytest proves your adapter."""
