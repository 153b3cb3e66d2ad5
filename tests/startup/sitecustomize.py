"""Read once, by each server of the tests, what the installed packages declare.

gevent asks for it 24 times while it patches, and each time reads a file of every package: a third of a second of
processor time where the hundred packages of requirements-dev.txt are installed, and a start in almost every test.
"""

import functools
from importlib import metadata

metadata.entry_points = functools.cache(metadata.entry_points)
