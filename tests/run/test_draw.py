"""The draw of parcels for a check: by a secret, so that a trader can neither predict nor influence it."""

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.errors import WorldError
from entrepot.run.day import drawn
from entrepot.run.home import open_home
from tests.run.days import cleared, documents, lines_of, make_home, sample_rows, write_day

IDS = pl.Series("order_id", [f"ORDER-{number}" for number in range(20_000)])
KEY, OTHER = b"one" * 8, b"two" * 8
MILLION = 1_000_000


def test_the_draw_is_an_hmac_below_the_share() -> None:
    share_ppm = 250_000
    taken = [int(hmac.new(KEY, one.encode(), hashlib.sha256).hexdigest(), 16) / 2**256 < 0.25 for one in IDS[:500]]
    assert drawn(IDS[:500], KEY, share_ppm).to_list() == taken


@pytest.mark.parametrize("share_ppm", [1_000, 10_000, 300_000])
def test_the_share_drawn_is_the_share_asked_for(share_ppm: int) -> None:
    """Within four standard deviations of a binomial of 20,000."""
    asked, share = len(IDS), share_ppm / MILLION
    deviation = (asked * share * (1 - share)) ** 0.5
    assert abs(int(drawn(IDS, KEY, share_ppm).sum()) - asked * share) < 4 * deviation


def test_share_of_none_and_of_all() -> None:
    assert not drawn(IDS, KEY, 0).any()
    assert drawn(IDS, KEY, MILLION).all()


def test_a_larger_share_draws_the_same_and_more() -> None:
    few, many = drawn(IDS, KEY, 10_000), drawn(IDS, KEY, 20_000)
    assert (many | ~few).all()
    assert many.sum() > few.sum()


def test_another_secret_draws_others() -> None:
    """Two draws of 10 % share about a tenth of each other, no more."""
    both = (drawn(IDS, KEY, 100_000) & drawn(IDS, OTHER, 100_000)).sum()
    assert abs(both - 200) < 4 * 200**0.5


def test_the_same_installation_draws_the_same_and_another_does_not(tmp_path: Path, home: Path) -> None:
    orders, found = write_day(tmp_path / "orders.csv", sample_rows("REX")), []
    for number, place in enumerate((home, home, make_home(tmp_path / "other", "0f" * 32))):
        cleared(tmp_path / str(number), place, orders, sample_ppm=300_000)
        lines = lines_of(tmp_path / str(number))
        found.append(set(lines.filter(pl.col("sampled")).get_column("order_id")))
        assert set(lines.filter(lane="red").get_column("order_id")) == found[-1]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(("sample_ppm", "released"), [(0, 6), (MILLION, 0)])
def test_nothing_drawn_and_everything_drawn(sample_ppm: int, released: int, tmp_path: Path, home: Path) -> None:
    """A parcel that is drawn waits for a person: it has no message yet."""
    orders = write_day(tmp_path / "orders.csv", sample_rows("TAX-01", "TAX-02", "TAX-03", "TAX-04", "TAX-05", "TAX-09"))
    summary = cleared(tmp_path / "day", home, orders, sample_ppm=sample_ppm)
    assert (summary["parcels_released"], len(documents(tmp_path / "day"))) == (released, released)
    reasons = {reason for line in lines_of(tmp_path / "day").get_column("reasons") for reason in line}
    assert reasons == (set() if released else {"release.random-sample"})


def test_a_new_installation_makes_a_secret_only_its_owner_may_read(tmp_path: Path) -> None:
    first, again, other = (open_home(tmp_path / name / "home") for name in ("a", "a", "b"))
    secret = tmp_path / "a" / "home" / "secret"
    assert first == again
    assert first.secret != other.secret
    assert len(first.secret) == 32
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]


def test_many_at_once_make_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        homes = set(pool.map(open_home, [tmp_path / "home"] * 32))
    assert len(homes) == 1


@pytest.mark.parametrize("content", ["", "zz", "5a" * 31, "5a" * 32 + "5a", "五" * 64])
def test_a_damaged_secret_is_never_used_nor_replaced(content: str, tmp_path: Path) -> None:
    make_home(tmp_path / "home", "5a" * 32)
    (tmp_path / "home" / "secret").write_text(content, encoding="utf-8")
    with pytest.raises(WorldError, match="secret is damaged"):
        open_home(tmp_path / "home")
    assert (tmp_path / "home" / "secret").read_text(encoding="utf-8") == content
