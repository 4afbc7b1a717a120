"""What happens around the application, for every request: also for those that no route takes (rulings R7)."""
