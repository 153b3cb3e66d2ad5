"""How the cost of what a user asks grows with all that is stored: `python -m bench.growth`."""
