"""Hostile files for the leaderboard, made by family: what is sent in, and what a correct program does with it."""
