"""Owns the text of the figures that Prometheus reads: those of all workers together, and of each process its own."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from chat.figures.kinds import BOUNDS, Counts, Figure, Gauge, Histogram
from chat.figures.workers import Snapshot, Told, Workers

WORKER = "worker"  # the label of what each process has for itself: its id


class Exposition:
    """A collector of prometheus-client, in a registry of its own."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = {figure.name: figure for figure in figures}
        self._workers: Workers | None = None  # where the others tell theirs; None: there are none

    def snapshot(self) -> Snapshot:
        """Return what this process has counted and measured. Cheap: no file, no lock."""
        return {name: figure.sample() for name, figure in self._figures.items()}

    def share_with(self, workers: Workers) -> None:
        """Show from now on what the other workers have told too."""
        self._workers = workers
        workers.join(self._sums)
        self.share()

    def share(self) -> None:
        """Tell the other workers, if there can be some. Called once a second, and at the end."""
        if self._workers is not None:
            with suppress(OSError):  # no room: they find what was told before, and see for how long nothing was
                self._workers.write(self.snapshot())

    def text(self) -> str:
        """Return all figures in Prometheus' text format, version 0.0.4."""
        from prometheus_client import CollectorRegistry, generate_latest  # a tenth of a second, at the first question

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry).decode()

    def collect(self) -> Iterator[Any]:
        """Return the families of all figures: what prometheus-client calls."""
        living, dead = self._workers.others() if self._workers else ([], [])
        living.append(Told(os.getpid(), 0.0, self.snapshot()))
        now = [told.snapshot for told in living]
        for figure in self._figures.values():
            told = [*dead, *now] if figure.only_grows else now
            yield _family(figure, merged(figure, told))
        yield from _of_processes(living)

    def _sums(self, snapshots: Sequence[Snapshot]) -> Snapshot:
        """Return what several had counted, as one snapshot; what they had measured is no more."""
        return {name: merged(figure, snapshots) for name, figure in self._figures.items() if figure.only_grows}


def merged(figure: Figure, snapshots: Sequence[Snapshot]) -> Any:
    """Return what the figure is for all of them; one of another version may lack it."""
    samples = [told[figure.name] for told in snapshots if figure.name in told]
    if isinstance(figure, Histogram):
        samples = [one for one in samples if len(one) == len(BOUNDS) + 2]
        return figure.merged(samples) or figure.sample()
    return figure.merged(samples)


def _family(figure: Figure, sample: Any) -> Any:
    from prometheus_client import core

    if isinstance(figure, Histogram):
        *buckets, count, total = sample
        counts = [(str(bound), value) for bound, value in zip(BOUNDS, buckets, strict=True)]
        return core.HistogramMetricFamily(figure.name, figure.help, [*counts, ("+Inf", count)], total)
    if isinstance(figure, Counts):
        family = core.CounterMetricFamily(figure.name, figure.help, labels=[figure.label])
        for kind, count in sample.items():
            family.add_metric([kind], count)
        return family
    family_of = core.GaugeMetricFamily if isinstance(figure, Gauge) else core.CounterMetricFamily
    return family_of(figure.name, figure.help, sample)


def _of_processes(living: Iterable[Told]) -> Iterator[Any]:
    """Return what the system knows of each worker: memory, processor time, descriptors; and for how long it is silent."""
    from prometheus_client import ProcessCollector
    from prometheus_client.core import GaugeMetricFamily

    silent = GaugeMetricFamily("chat_worker_silent_seconds", "Since a worker told its figures.", labels=[WORKER])
    families: dict[str, Any] = {silent.name: silent}
    for told in sorted(living):
        silent.add_metric([str(told.pid)], told.silent_seconds)
        for family in ProcessCollector(pid=partial(str, told.pid), registry=None).collect():
            kept = families.setdefault(family.name, family)
            samples = [one._replace(labels={WORKER: str(told.pid)}) for one in family.samples]
            kept.samples = samples if kept is family else kept.samples + samples
    yield from families.values()
