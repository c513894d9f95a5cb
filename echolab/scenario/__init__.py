"""What a scenario can use, how its script is read, and how it is performed on a network."""
