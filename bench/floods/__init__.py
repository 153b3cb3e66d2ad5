"""What a flood costs the others: `python -m bench.floods`, a part of `make bench`."""
