"""What requests took: measured as answers pass, kept on disk at once, written to Postgres in batches."""
