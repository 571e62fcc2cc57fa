"""The benchmark of quotes asks for what it says and prints figures under stable names."""

import json
import subprocess
from pathlib import Path

import pytest
from bench.quotes import draw, main, table

from entrepot.run.quote import QuoteRequest, read_requests

ROOT = Path(__file__).parents[2]


def test_the_requests_drawn_are_good_and_of_both_directions() -> None:
    requests = read_requests(draw(1, 300))
    assert all(isinstance(one, QuoteRequest) for one in requests)
    assert {one.direction for one in requests if isinstance(one, QuoteRequest)} == {"export", "import"}
    assert draw(1, 5) == draw(1, 5) != draw(2, 5)


def test_the_figures_are_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quotes", "3", "--batches", "1", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert {"single_ms", "single_cpu_ms", "steps_ms", "batch_ms", "quotes_per_s", "quotes_per_cpu_s"} <= facts.keys()
    assert set(facts["single_ms"]) == {"p50", "p90", "p99", "max"}
    assert facts["answered"] == 100
    assert "quotes a second" in table(facts)


@pytest.mark.parametrize("arguments", [["--quotes", "0"], ["--batches", "x"], ["day"]])
def test_a_wrong_call_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_script_bench_is_sound_shell() -> None:
    checked = subprocess.run(["bash", "-n", ROOT / "script" / "bench"], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
