"""What a run leaves: its files, the saved evidence, and the recomputation of every measurement from it."""
