"""What any implementation must do at least: the same update in plain PyTorch, without classes, checks or settings."""

import json
import sys
import time

import torch
from torch.nn import functional

members, utd, updates = (int(v) for v in sys.argv[1:4])
torch.set_num_threads(1)
torch.manual_seed(0)
BATCH, STATE, ACTION, WIDTH = 256, 18, 3, 256


def ensemble(size: int) -> list[torch.Tensor]:
    """Weights, biases, scales and shifts of two hidden layers and a head, for ``size`` networks at once."""
    out = []
    for a, b in ((STATE + ACTION, WIDTH), (WIDTH, WIDTH), (WIDTH, 1)):
        out += [torch.randn(size, a, b) / a**0.5, torch.zeros(size, 1, b), torch.ones(size, 1, b)]
        out += [torch.zeros(size, 1, b)]
    return out


def values(p: list[torch.Tensor], state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
    """Q of all networks, (E, B)."""
    x = torch.cat((state, action), -1).expand(p[0].shape[0], BATCH, STATE + ACTION)
    for i in (0, 4):
        h = functional.layer_norm(torch.baddbmm(p[i + 1], x, p[i]), (WIDTH,))
        x = torch.relu(torch.addcmul(p[i + 3], h, p[i + 2]))
    return torch.baddbmm(p[9], x, p[8]).squeeze(-1)


critic = [t.requires_grad_() for t in ensemble(members)]
target = [t.detach().clone() for t in critic]
layers = [torch.nn.Linear(STATE, WIDTH), torch.nn.LayerNorm(WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH)]
actor = torch.nn.Sequential(*layers, torch.nn.LayerNorm(WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 2 * ACTION))
optimisers = [torch.optim.Adam(p, lr=3e-4, fused=True) for p in (critic[:10], list(actor.parameters()))]


COMPILED = sys.argv[4:] == ["compile"]


def act(state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A tanh-Gaussian action and its log density."""
    mean, log_std = actor(state).chunk(2, -1)
    log_std = log_std.clamp(-10, 2)
    noise = torch.randn_like(mean)
    u = mean + log_std.exp() * noise
    density = -0.5 * noise**2 - log_std - 2 * (0.693 - u - functional.softplus(-2 * u))
    return torch.tanh(u), density.sum(-1)


def update() -> None:
    """``utd`` critic steps, then the actor."""
    for _ in range(utd):
        state, following, action = torch.randn(BATCH, STATE), torch.randn(BATCH, STATE), torch.rand(BATCH, ACTION)
        with torch.no_grad():
            chosen = torch.randperm(members)[:2]
            y = 0.97 * values([t[chosen] for t in target], following, act(following)[0]).amin(0)
        optimisers[0].zero_grad()
        (values(critic, state, action) - y).square().mean().backward()
        optimisers[0].step()
        torch._foreach_lerp_(target, [p.detach() for p in critic], 0.005)
    action, density = act(state)
    optimisers[1].zero_grad()
    (0.01 * density - values([p.detach() for p in critic], state, action).mean(0)).mean().backward()
    optimisers[1].step()


if COMPILED:
    import torch._inductor.config

    torch._inductor.config.force_disable_caches = True
    values, act = torch.compile(values), torch.compile(act)
began = time.perf_counter()
for _ in range(2 if COMPILED else 1):
    update()
warm = time.perf_counter() - began
started = time.process_time()
for _ in range(updates):
    update()
rate = updates / (time.process_time() - started)
print(json.dumps({"rate": rate, **({"compile_s": warm} if COMPILED else {})}))
