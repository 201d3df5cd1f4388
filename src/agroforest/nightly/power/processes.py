"""Processor time of this process and of all below it."""

import os

import psutil


def tree_seconds() -> float:
    """Processor seconds so far of this process and its living and ended children.

    What a child used is its parent's once the parent has waited for it; of a child
    whose parent was killed nothing is known.
    """
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    try:
        children = psutil.Process().children(recursive=True)
    except psutil.Error:
        return total
    for child in children:
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue  # ended between the two looks: counted by its parent next time
        total += times.user + times.system
        total += times.children_user + times.children_system
    return total
