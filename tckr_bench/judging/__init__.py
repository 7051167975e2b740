"""What the results of a run come to: rows, ranks, gates, differences, the verdict; pure, from measurements alone."""
