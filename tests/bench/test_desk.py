"""The benchmark of the desk measures what it says, in small."""

from bench import desk


def test_quotes_over_http_are_measured_beside_a_bare_endpoint() -> None:
    facts = desk.measure(singles=5, batches=2, processes=1, seed=3)
    for name in ("desk", "bare"):
        figures = facts[name]
        assert 0 < figures["single_p50_ms"] <= figures["single_p90_ms"] <= figures["single_p99_ms"]
        assert figures["quotes_per_second"] > 0
    assert facts["batch_bytes"] > 20 * facts["single_bytes"]
    assert any("at least 1,000" in line for line in desk.table(facts))
