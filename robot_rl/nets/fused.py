"""A whole critic ensemble as one step of autograd on the CPU: matrix products by the BLAS, the rest by our kernels."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from robot_rl.nets import kernels

HALF = torch.bfloat16


def values(x: Tensor, parameters: list[Tensor], *, half: bool) -> Tensor:
    """Values (E, B) of inputs (B, n) float32.

    Args:
        x: What all members see.
        parameters: Per layer weight (E, n, m), bias, scale and shift (E, 1, m); then weight (E, m, 1) and bias
            (E, 1, 1) of the head.
        half: Products between hidden layers in bfloat16, with float32 inside; inputs, head and sums stay float32.
    """
    return _Critic.apply(x.contiguous(), half, *parameters)


def array(tensor: Tensor) -> NDArray[Any]:
    """The tensor's memory, bfloat16 as uint16."""
    tensor = tensor.detach()
    return tensor.view(torch.uint16).numpy() if tensor.dtype == HALF else tensor.numpy()


def rows(parameter: Tensor) -> NDArray[Any]:
    """(E, 1, n) or (E, n, 1) -> (E, n)."""
    return parameter.detach().contiguous().view(parameter.shape[0], -1).numpy()


class _Critic(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, half: bool, *parameters: Tensor) -> Tensor:  # noqa: ANN401
        layers = [parameters[i : i + 4] for i in range(0, len(parameters) - 2, 4)]
        kind = HALF if half else torch.float32
        members, batch = parameters[0].shape[0], len(x)
        weights = [w[0] if i == 0 else w[0].to(kind) for i, w in enumerate(layers)]
        inputs, normal, inverses = [x.expand(members, *x.shape)], [], []
        q = torch.empty(members, batch)
        for i, (_, *layer) in enumerate(layers):
            product = torch.bmm(inputs[i], weights[i])
            normal.append(product)
            inverses.append(torch.empty(members, batch))
            bias, scale, shift = (rows(p) for p in layer)
            if i < len(layers) - 1:
                inputs.append(torch.empty(product.shape, dtype=kind))
                kernels.hidden(array(product), bias, scale, shift, array(inputs[-1]), array(inverses[i]))
            else:
                head = rows(parameters[-2])
                kernels.head(array(product), (bias, scale, shift), head, q.numpy(), array(inverses[i]))
        ctx.save_for_backward(*parameters)
        ctx.kept = weights, inputs, normal, inverses
        return q.add_(parameters[-1][:, 0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        parameters = ctx.saved_tensors
        weights, inputs, normal, inverses = ctx.kept
        learns = any(ctx.needs_input_grad[2:])
        gradient = grads[0].contiguous()
        found: list[Tensor | None] = [gradient.sum(1)[:, None, None]]
        last = len(weights) - 1
        for i in range(last, -1, -1):
            scale, shift = rows(parameters[4 * i + 2]), rows(parameters[4 * i + 3])
            before, sums = torch.empty_like(normal[i]), torch.zeros(4, len(weights[i]), normal[i].shape[2])
            layer = (scale, shift, array(inverses[i]))
            whole = array(normal[i]), array(before), sums.numpy()
            if i == last:
                kernels.head_back(array(gradient), whole[0], (*layer, rows(parameters[-2])), *whole[1:])
                found.insert(0, sums[3, :, :, None])
            else:
                kernels.hidden_back(array(gradient), whole[0], layer, *whole[1:])
            weight = torch.bmm(inputs[i].mT, before).float() if learns else None
            found[:0] = [weight, *sums[:3, :, None]]
            if i > 0:
                gradient = torch.bmm(before, weights[i].mT)
        x = torch.bmm(before, weights[0].mT).sum(0) if ctx.needs_input_grad[0] else None
        return (x, None, *(found if learns else [None] * len(found)))
