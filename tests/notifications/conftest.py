"""The fakes of a peer and its surroundings, which messages use too."""

from __future__ import annotations

from tests.messages import conftest as fakes

peer, connections = fakes.peer, fakes.connections
