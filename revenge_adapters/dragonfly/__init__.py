"""What Dragonfly carries, or any other server that speaks Redis' protocol. Nothing in it has to survive."""
