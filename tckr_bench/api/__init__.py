"""What notebooks and commands call: plan and run a matrix, and read runs; returns frozen data and prints nothing."""
