"""Let several single-threaded processes train one model, in step with each other.

On a few busy cores that is faster than one process of several threads: the processes wait for each
other once per step, the threads once per operation. ``torchrun`` sets the variables read here.
"""

import os
from collections.abc import Iterable

import torch
import torch.distributed as distributed


class Workers:
    """Know how many processes there are and average numbers over them."""

    def __init__(self) -> None:
        """Join the other processes, if there are any."""
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.count > 1:
            distributed.init_process_group("gloo")

    @property
    def is_first(self) -> bool:
        """Tell whether this process is the one that writes files."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            distributed.barrier()

    def mean(self, value: float) -> float:
        """Return the mean of ``value`` over the processes, the same in each."""
        if self.count == 1:
            return value
        total = torch.tensor([value], dtype=torch.float64)
        distributed.all_reduce(total)
        return total.item() / self.count

    def average_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [item.grad for item in parameters if item.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
