"""Everything the page of one line shows, put together: the line, its why, its parcel, what may be done."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import polars as pl
import structlog

from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.listing import Row, batch_of, line_of, lines_of_order, rows_together, stored_line
from entrepot.desk.consignments.models import LineEvent, Proposal
from entrepot.desk.consignments.settle import allowed_of, open_proposal
from entrepot.desk.consignments.timeline import Moment, timeline_of
from entrepot.desk.consignments.why import Option, Paper, explained_steps, options_of, papers_of, warnings_of
from entrepot.desk.context import language
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.names import names_of
from entrepot.desk.told import Told, said_of
from entrepot.goods.errors import EntrepotError
from entrepot.goods.texts import text
from entrepot.run.explain import explain

__all__ = ["LineView", "explanation_of", "line_view", "problems_of"]

log = structlog.stdlib.get_logger("entrepot.consignments")


@dataclass(frozen=True, slots=True)
class LineView:
    """What a page shows of a line; `line` as it stands now, `stored` as it was decided."""

    batch: Batch
    line: Row
    stored: Row
    parcel: list[Row]
    moments: list[Moment]
    options: list[Option]
    papers: list[Paper] | None
    warnings: list[str]
    problems: list[dict[str, Any]]
    events: list[LineEvent]
    allowed: tuple[str, ...]
    proposal: Proposal | None
    names: dict[str, str] = field(default_factory=dict)
    differs: str = ""
    """Why the decision could not be made again as it is stored; empty where it could."""

    @property
    def leaves(self) -> str:
        """How the parcel stands as a whole: what its weightiest line says (text `consignments.law-leaves-…`)."""
        stands = {line["verdict"] for line in self.parcel}
        weightiest = next((one for one in ("invalid", "refuse", "hold") if one in stands), "release")
        by_person = weightiest == "refuse" and all(line["state"] for line in self.parcel)
        return "refused" if by_person else weightiest

    @property
    def proposer(self) -> str:
        """Who proposed the decision that waits."""
        return self.names.get(self.proposal.proposed_by, "") if self.proposal else ""


def line_view(acting: Acting, batch_id: UUID, row_id: int, language: str) -> LineView:
    """The view of one line of the organisation; Http404 for any other."""
    batch = batch_of(acting, batch_id)
    line, stored = line_of(acting, batch, row_id), stored_line(batch, row_id)
    parcel = lines_of_order(acting, batch, line["order_id"]) if line["order_id"] is not None else [line]
    events, proposal = _events(acting, batch, line), None
    if line["order_id"] is not None:
        proposal = open_proposal(acting, batch, line["order_id"])
    names = names_of(acting, [*(event.actor for event in events), *([proposal.proposed_by] if proposal else [])])
    explained, differs = _explained(batch, line)
    steps = explained_steps(explained, language) if explained else []
    return LineView(
        batch, line, stored, parcel, timeline_of(stored, batch, steps, events, names, language),
        options_of(explained, language) if explained else [], papers_of(explained, language) if explained else None,
        warnings_of(explained, language) if explained else [], explained["problems"] if explained else problems_of(batch, row_id),
        events, allowed_of(parcel) if line["order_id"] is not None else (), proposal, names, differs,
    )  # fmt: skip


def _events(acting: Acting, batch: Batch, line: Row) -> list[LineEvent]:
    if line["order_id"] is None:
        return []
    return list(LineEvent.objects.of(acting).filter(batch=batch, order_id=line["order_id"]))


def _explained(batch: Batch, line: Row) -> tuple[dict[str, Any] | None, str]:
    """The explanation of a line, or why there is none; a fault of ours in it is logged and shown as a difference."""
    if line["order_id"] is None or line["line_no"] is None:
        return None, ""
    try:
        return explanation_of(batch, line), ""
    except EntrepotError as error:
        return None, said_of(error)
    except Exception:
        log.exception("explanation failed", batch=str(batch.id), row_id=line["row_id"])
        return None, text("consignments.fault", language())


def explanation_of(batch: Batch, line: Row) -> dict[str, Any]:
    """The decision of a line made again (`run.explain`): its steps, figures and law.

    Raises Told for a line without an order or line number, ExplanationDiffersError when it came out differently.
    """
    if line["order_id"] is None or line["line_no"] is None:
        raise Told("consignments.not-decided")
    found = explain(batch.folder, line["order_id"], line["line_no"], row_ids=rows_together(batch, line))
    if len(found) > 1:  # rows that repeat a line number
        stored = stored_line(batch, line["row_id"])
        found = [one for one in found if (one["source_file"], one["row"]) == (stored["source_file"], stored["row"])]
    return found[0]


def problems_of(batch: Batch, row_id: int) -> list[dict[str, Any]]:
    """Why a row was refused as bad data: field, code and a sentence in each language; empty for a good row."""
    path = batch.folder / "problems.csv"
    if not path.is_file():
        return []
    found = pl.scan_csv(path, infer_schema=False).filter(pl.col("row_id") == str(row_id)).collect()
    return found.select("field", "code", "message_en", "message_zh", "given", "allowed").to_dicts()
