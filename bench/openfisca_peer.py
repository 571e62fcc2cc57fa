"""A peer: the taxes of retail imports within the limits, written the way OpenFisca asks for it.

One entity (a line), inputs as arrays, dated parameters, one vectorised formula a tax. OpenFisca has no table of
codes with longest-prefix match, so it is given each line's tax classes; our own stage finds them itself.
Amounts are CNY in float32, as OpenFisca keeps them. Numbers of the law as in law/values/cn (cbec, vat, ct).
"""

from time import perf_counter
from typing import Any

import pyarrow.parquet as pq
from openfisca_core import entities, parameters, simulations, taxbenefitsystems, variables
from openfisca_core.periods import DateUnit

__all__ = ["INPUTS", "compute"]

INPUTS = ("price", "vat_class", "ct_class", "counted", "content", "content_price", "unit_price")
WHOLE = ("vat_class", "ct_class", "counted")
"""VAT class: 1 standard, 2 reduced. CT class: 1 cosmetics, 2 wine, 3 spirits, 4 watches. `counted`: in pieces."""
DAY = "2026-03-10"
PARAMETERS = {
    "share": {"2016-04-08": 0.70},
    "vat_standard": {"2009-01-01": 0.17, "2018-05-01": 0.16, "2019-04-01": 0.13},
    "vat_reduced": {"2017-07-01": 0.11, "2018-05-01": 0.10, "2019-04-01": 0.09},
    "ct_cosmetics": {"2009-01-01": 0.30, "2016-10-01": 0.15},
    "ct_wine": {"2009-01-01": 0.10},
    "ct_spirits": {"2009-01-01": 0.20},
    "ct_spirits_per_litre": {"2009-01-01": 0.912},
    "ct_watches": {"2009-01-01": 0.20},
    "cosmetics_price_per_ml_or_g": {"2016-10-01": 10.0},
    "cosmetics_price_per_piece": {"2016-10-01": 15.0},
    "watch_price": {"2009-01-01": 10_000.0},
}
LINE = entities.Entity("line", "lines", "One order line", "")


def _variable(name: str, value_type: type, formula: Any = None) -> type:
    body: dict[str, Any] = {"value_type": value_type, "entity": LINE, "definition_period": DateUnit.DAY, "label": name}
    if formula is not None:
        body["formula"] = formula
    return type(name, (variables.Variable,), body)


def _vat_rate(line: Any, period: Any, law: Any) -> Any:
    of, kind = law(period), line("vat_class", period)
    return (kind == 1) * of.vat_standard + (kind == 2) * of.vat_reduced


def _ct_taxed(line: Any, period: Any, law: Any) -> Any:
    of, kind, counted = law(period), line("ct_class", period), line("counted", period)
    floor = counted * of.cosmetics_price_per_piece + (1 - counted) * of.cosmetics_price_per_ml_or_g
    cosmetics = (kind == 1) & (line("content_price", period) >= floor)
    watches = (kind == 4) & (line("unit_price", period) >= of.watch_price)
    return cosmetics | watches | (kind == 2) | (kind == 3)


def _ct_rate(line: Any, period: Any, law: Any) -> Any:
    of, kind = law(period), line("ct_class", period)
    drink = (kind == 2) * of.ct_wine + (kind == 3) * of.ct_spirits
    return line("ct_taxed", period) * ((kind == 1) * of.ct_cosmetics + drink + (kind == 4) * of.ct_watches)


def _ct_specific(line: Any, period: Any, law: Any) -> Any:
    return (line("ct_class", period) == 3) * line("content", period) / 1000 * law(period).ct_spirits_per_litre


def _base(line: Any, period: Any, law: Any) -> Any:
    return (line("price", period) + line("ct_specific", period)) / (1 - line("ct_rate", period))


def _consumption_tax(line: Any, period: Any, law: Any) -> Any:
    due = line("base", period) * line("ct_rate", period) + line("ct_specific", period)
    return (due * law(period).share * 100 + 0.5) // 1 / 100


def _vat(line: Any, period: Any, law: Any) -> Any:
    return (line("base", period) * line("vat_rate", period) * law(period).share * 100 + 0.5) // 1 / 100


def _tax_total(line: Any, period: Any, law: Any) -> Any:
    return line("consumption_tax", period) + line("vat", period)


FORMULAS = {
    "vat_rate": _vat_rate, "ct_taxed": _ct_taxed, "ct_rate": _ct_rate, "ct_specific": _ct_specific, "base": _base,
    "consumption_tax": _consumption_tax, "vat": _vat, "tax_total": _tax_total,
}  # fmt: skip


def _system() -> Any:
    system = taxbenefitsystems.TaxBenefitSystem([LINE])
    dated = {name: {day: {"value": value} for day, value in values.items()} for name, values in PARAMETERS.items()}
    system.parameters = parameters.ParameterNode("", data={name: {"values": values} for name, values in dated.items()})
    for name in INPUTS:
        system.add_variable(_variable(name, int if name in WHOLE else float))
    for name, formula in FORMULAS.items():
        system.add_variable(_variable(name, bool if name == "ct_taxed" else float, formula))
    return system


def compute(path: str, runs: int = 3) -> dict[str, Any]:
    """Tax the lines of a Parquet file of `INPUTS` with our amounts in fen beside them.

    Returns lines, the median seconds of building the simulation, setting its inputs and calculating the three
    amounts (reading the file is not counted), and how many lines differ from ours by more than one fen.
    """
    table = pq.read_table(path)
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    system, taken = _system(), []
    for _ in range(runs):
        start = perf_counter()
        found = _calculate(system, columns, table.num_rows)
        taken.append(perf_counter() - start)
    differ = sum(abs((found[tax] * 100).round() - columns[f"{tax}_fen"]) > 1 for tax in found)
    return {"lines": table.num_rows, "seconds": sorted(taken)[runs // 2], "disagreements": int((differ > 0).sum())}


def _calculate(system: Any, columns: dict[str, Any], count: int) -> dict[str, Any]:
    simulation = simulations.SimulationBuilder().build_default_simulation(system, count=count)
    for name in INPUTS:
        simulation.set_input(name, DAY, columns[name])
    return {tax: simulation.calculate(tax, DAY) for tax in ("consumption_tax", "vat", "tax_total")}
