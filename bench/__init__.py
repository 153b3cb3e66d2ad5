"""The benchmark: our server and its peers, measured in turn on one core. See README.md."""
