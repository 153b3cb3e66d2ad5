"""Faults done to real servers on purpose, and a checker that says what came of them: `make faults`."""
