"""The matrix products of the same update and nothing else: no implementation with this BLAS is faster.

In float32, or with those between the critics' hidden layers in bfloat16.
"""

import json
import sys
import time

import torch

members, utd, updates = (int(v) for v in sys.argv[1:4])
HALF = torch.bfloat16 if sys.argv[4:] == ["bfloat16"] else torch.float32
torch.set_num_threads(1)
torch.manual_seed(0)
BATCH, STATE, ACTION, WIDTH = 256, 18, 3, 256
CRITIC = ((STATE + ACTION, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))
ACTOR = ((STATE, WIDTH), (WIDTH, WIDTH), (WIDTH, 2 * ACTION))


class Products:
    """The layers of ``size`` networks at once, with memory for the results."""

    def __init__(self, size: int, widths: tuple[tuple[int, int], ...], between: torch.dtype) -> None:
        kinds = [between if a == b else torch.float32 for a, b in widths]
        self.x = [torch.randn(size, BATCH, a).to(kind) for (a, _), kind in zip(widths, kinds, strict=True)]
        self.y = [torch.randn(size, BATCH, b).to(kind) for (_, b), kind in zip(widths, kinds, strict=True)]
        self.w = [torch.randn(size, a, b).to(kind) for (a, b), kind in zip(widths, kinds, strict=True)]
        self.dw = [torch.empty_like(w) for w in self.w]
        self.dx = [torch.empty_like(x) for x in self.x]

    def forward(self) -> None:
        """Outputs of all layers."""
        for x, w, y in zip(self.x, self.w, self.y, strict=True):
            torch.bmm(x, w, out=y)

    def backward(self, *, weights: bool, first: bool) -> None:
        """Gradients of the weights, and of the inputs (of the first layer, if ``first``)."""
        for i, (x, w, y) in enumerate(zip(self.x, self.w, self.y, strict=True)):
            if weights:
                torch.bmm(x.mT, y, out=self.dw[i])
            if i or first:
                torch.bmm(y, w.mT, out=self.dx[i])


critic, target = (Products(size, CRITIC, HALF) for size in (members, 2))
actor = Products(1, ACTOR, torch.float32)


def update() -> None:
    """``utd`` critic steps with their targets, then the actor through all critics."""
    for _ in range(utd):
        actor.forward()
        target.forward()
        critic.forward()
        critic.backward(weights=True, first=False)
    actor.forward()
    critic.forward()
    critic.backward(weights=False, first=True)
    actor.backward(weights=True, first=False)


update()
started = time.process_time()
for _ in range(updates):
    update()
print(json.dumps({"rate": updates / (time.process_time() - started)}))
