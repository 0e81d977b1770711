"""What a cluster offers, by what Ray tells of its nodes; nodes that die and join are under test with a cluster."""

from refinery.executors.nodes import Nodes


def node(cpus: float, gib: int, gpus: float = 0.0) -> dict[str, object]:
    resources = {"CPU": cpus, "memory": float(gib << 30)}
    return {"Alive": True, "Resources": {**resources, "GPU": gpus} if gpus else resources}


def test_a_part_of_a_gpu_is_a_part_of_one_device():
    """Two devices hold two workers with 0.6 of one and four with a half, if there are processors."""
    two = Nodes(alive=[node(8, 16, 2)])
    assert [two.with_gpus(gpus) for gpus in (0.25, 0.5, 0.6, 1, 2, 3)] == [8, 4, 2, 2, 1, 0]
    assert Nodes(alive=[node(1, 16, 2)]).with_gpus(0.5) == 1


def test_workers_with_gpus_have_the_memory_of_nodes_that_have_them():
    """A larger node without a GPU is none for them."""
    nodes = Nodes(alive=[node(8, 256), node(8, 16, 2), node(4, 8, 1)])
    assert nodes.most_memory_with(1) == 16 << 30
    assert [nodes.with_gpus(1, gib << 30) for gib in (4, 8, 12, 16, 17)] == [3, 3, 1, 1, 0]
    assert Nodes(alive=[node(8, 256)]).most_memory_with(1) == 0
