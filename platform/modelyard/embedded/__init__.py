"""What `modelyard up` runs on one machine: the embedded Postgres and the supervisor of all our processes."""
