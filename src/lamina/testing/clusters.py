"""Contract suite of clusters, as descriptions; what they start is tried by the tests of `lamina.distribute`."""

from __future__ import annotations

from lamina.distribute.cluster import Cluster
from lamina.testing.promises import check_round_trips, promise


def check_cluster(cluster: Cluster) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.distribute.cluster import Local
        >>> check_cluster(Local(2))
    """
    check_round_trips(cluster)
    workers = getattr(cluster, "workers", None)
    promise(isinstance(workers, int) and workers >= 1, "it says how many processes there are")
