"""Owns what the workers tell each other of limits that count for a user wherever they are: by Redis, once a second.

Each worker counts by itself, and at once; what the others counted is added. While Redis is away each counts alone.
"""

import time
from collections.abc import Callable, Mapping

from chat.bus.bus import Bus
from chat.limits import Meter


class SharedLimits:
    """The meters of one worker, by the name under which all workers have them."""

    def __init__(self, bus: Bus, meters: Mapping[str, Meter], clock: Callable[[], float] = time.time) -> None:
        """`clock`: Unix time in seconds; workers whose clocks differ by a window count apart for a while."""
        self._bus = bus
        self._clock = clock
        self._meters = {name: meter for name, meter in meters.items() if meter.most}
        # (name, window, key) -> what this worker has told, and what it has heard of the others; of the last windows.
        self._counted: dict[tuple[str, int, str], list[int]] = {}
        for meter in self._meters.values():
            meter.spent = {}

    def sweep(self) -> None:
        """Tell the others what was spent since the last call. Never blocks; called once a second."""
        now = self._clock()
        windows = {name: int(now / meter.seconds) for name, meter in self._meters.items()}
        for name, meter in self._meters.items():
            spent, meter.spent = meter.spent or {}, {}
            if self._bus.is_up:
                for key, cost in spent.items():
                    self._tell(name, meter, windows[name], key, cost)
        for place in [place for place in self._counted if place[1] != windows[place[0]]]:
            del self._counted[place]

    def _tell(self, name: str, meter: Meter, window: int, key: str, cost: int) -> None:
        counted = self._counted.setdefault((name, window, key), [0, 0])
        counted[0] += cost

        def add_others(total: int) -> None:
            others = total - counted[0]
            if others > counted[1]:
                meter.spend(key, others - counted[1])
                counted[1] = others

        self._bus.count(f"{name}:{window}:{key}", cost, int(2 * meter.seconds), add_others)
