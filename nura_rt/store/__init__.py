"""What we keep: all SQL, one file per table; `pool` says who asks, `migrate` makes the tables."""
