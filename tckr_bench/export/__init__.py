"""Released images as a dataset: parquet shards and a data card."""
