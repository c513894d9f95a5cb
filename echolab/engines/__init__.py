"""What hosts run on: the contract of all engines, their table, and a room for each."""
