"""What bench/compare.py is made of: servers, runs of the load generator, suites, tables."""
