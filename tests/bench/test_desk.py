"""The benchmark of the desk measures what it says, in small."""

from pathlib import Path

from bench.pages import PAGES

from bench import desk


def test_quotes_pages_and_an_upload_are_measured_over_http(tmp_path: Path) -> None:
    facts = desk.measure(singles=5, batches=2, processes=1, seed=3, lines=2_000, megabytes=1, keep=tmp_path, page_runs=2)
    for name in ("desk", "bare"):
        figures = facts[name]
        assert 0 < figures["single_p50_ms"] <= figures["single_p90_ms"] <= figures["single_p99_ms"]
        assert figures["quotes_per_second"] > 0
    assert facts["batch_bytes"] > 20 * facts["single_bytes"]
    assert facts["upload"]["mb_per_second"] > 0
    assert facts["pages"]["lines"] == 2_000
    for name in PAGES:
        assert 0 < facts["pages"][name]["api_p50_ms"] <= facts["pages"][name]["api_p99_ms"], name
    said = desk.table(facts)
    assert any("at least 1,000" in line for line in said)
    assert all(any(line.startswith(name) for line in said) for name in PAGES)
