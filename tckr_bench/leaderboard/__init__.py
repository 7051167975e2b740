"""The leaderboard: records that anyone can submit, checked from their saved scores, ranked, and shown."""
