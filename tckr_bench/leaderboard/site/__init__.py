"""The leaderboard as a static site: an index, a page per method, a page per dataset."""
