"""Domains of graphs on one machine."""

from robot_rl.nodes.domain import free_domain


def test_domains_are_never_shared():
    held = [free_domain() for _ in range(20)]
    assert len({domain for domain, _ in held}) == 20
    assert all(1 <= domain <= 100 for domain, _ in held)
    for _, file in held:
        file.close()
