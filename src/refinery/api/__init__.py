"""What Python users call; `refinery` itself has these names."""
