"""The board: reads result files only, ranks, and renders tables and pages."""
