"""The nodes of a Ray cluster as they are now: what they offer, and whether the head of them still answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import ray

from refinery.errors import RunError
from refinery.executors.address import connect

POLL = 1.0  # seconds between looks at the cluster
GONE = 30.0  # seconds without the head node, after which the cluster is given up; Ray gives up after 60


def _all_nodes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return found


@dataclass
class Nodes:
    """The nodes that are alive and have a processor, looked up at most once in POLL seconds."""

    looked: float = 0.0
    silent_since: float = 0.0  # when the head node first did not answer, 0 if it does
    gone: bool = False
    alive: list[dict[str, Any]] = field(default_factory=list)
    slots: int = 0
    most_memory: int = 0  # bytes that the largest node has
    memory_per_slot: int = 0  # bytes that every processor of some node can have at once

    def now(self) -> Nodes:
        """Itself, looked up anew if that is due; raises RunError when the cluster is gone."""
        if time.monotonic() - self.looked < POLL or not self._head_answers():
            return self
        nodes = [n for n in _all_nodes() if n["Alive"] and n["Resources"].get("CPU", 0) >= 1]
        self.looked, self.alive = time.monotonic(), nodes
        offers = [(int(node["Resources"]["CPU"]), int(node["Resources"].get("memory", 0))) for node in nodes]
        self.slots = sum(processors for processors, _ in offers)
        self.most_memory = max((memory for _, memory in offers), default=0)
        self.memory_per_slot = max((memory // processors for processors, memory in offers), default=0)
        return self

    def _head_answers(self) -> bool:
        """Whether the head node takes connections; raises RunError after GONE seconds without.

        Ray's own calls would wait for it, and end this process without a word to the user after 60 seconds.
        """
        address = ray.get_runtime_context().gcs_address
        try:
            connect(address, POLL)
        except OSError as error:
            self.looked = time.monotonic()
            self.silent_since = self.silent_since or self.looked
            if self.looked - self.silent_since > GONE:
                self.gone = True
                problem = f"the Ray cluster at {address} is gone: {error.strerror or error} for {GONE:.0f} s"
                raise RunError(
                    f"{problem} (run the same command again on another, or on this machine)"
                ) from None
            return False
        self.silent_since = 0.0
        return True

    def most_memory_with(self, gpus: float) -> int:
        """Bytes that the largest node has that can hold a worker with so much of a GPU."""
        return max(
            (int(n["Resources"].get("memory", 0)) for n in self.alive if _holds(n, gpus, 0)), default=0
        )

    def with_gpus(self, gpus: float, memory: int = 0) -> int:
        """How many workers the nodes can hold that have a processor, so much of a GPU and so many bytes each.

        A part of a GPU is a part of one device: two devices hold two workers with 0.6 of a GPU, not three.
        """
        return sum(_holds(node, gpus, memory) for node in self.alive)


def _holds(node: dict[str, Any], gpus: float, memory: int) -> int:
    offer = node["Resources"]
    devices = offer.get("GPU", 0.0)
    by_devices = int(devices) * int(1 / gpus + 1e-9) if gpus <= 1 else int(devices / gpus)
    by_memory = int(offer.get("memory", 0)) // memory if memory else by_devices
    return min(int(offer["CPU"]), by_devices, by_memory)
