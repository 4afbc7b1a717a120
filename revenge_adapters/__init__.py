"""How it is done: one tool per module, each filling ports that `revenge_core` names."""
