"""A line's walk as a timeline: ordered, received, decided step by step, declared, and what happened after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.models import LineEvent
from entrepot.desk.consignments.why import Step, Tried
from entrepot.goods.texts import all_texts, text
from entrepot.run.wording import rule_text

__all__ = ["Moment", "timeline_of"]

EVENT_TONES = {"settled": "ok", "inspected": "ok", "proposed": "waiting", "turned-down": "warn", "erased": "warn"}
VERDICT_TONES = {"release": "ok", "hold": "warn", "refuse": "bad"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a timeline. `when` is a moment or a day; `said` are sentences; `step` is a decision with its why."""

    key: str
    title: str
    tone: str
    when: datetime | date | None = None
    who: str = ""
    said: list[str] = field(default_factory=list)
    step: Step | None = None

    @property
    def rules(self) -> list[Tried]:
        """The rules that decided a step."""
        return self.step.decides if self.step else []


def timeline_of(
    line: Mapping[str, Any], batch: Batch, steps: Sequence[Step], events: Sequence[LineEvent], names: Mapping[str, str], language: str
) -> list[Moment]:
    """The walk of a stored line: `steps` of its explanation, `events` of its parcel, `names` of their actors."""
    return [*_before(line, batch, language), *_decided(line, steps, language), *_messages(line, language), *_after(events, names, language)]


def _before(line: Mapping[str, Any], batch: Batch, language: str) -> Iterator[Moment]:
    if line["placed_at"]:
        seller = line["seller_name"] or line["seller_id"] or ""
        yield Moment("ordered", text("consignments.ordered", language), "ok", line["placed_at"], said=[seller] if seller else [])
    where = text("consignments.received-row", language, file=line["source_file"], row=line["row"])
    yield Moment("received", text("consignments.received", language), "ok", batch.created_at, said=[where])


def _decided(line: Mapping[str, Any], steps: Sequence[Step], language: str) -> Iterator[Moment]:
    if not steps:
        title, tone = text(f"verdict.{line['verdict']}", language), VERDICT_TONES.get(line["verdict"], "bad")
        yield Moment("verdict", title, tone, line["declared_on"], said=[rule_text(line["release_rule"], language)])
    for step in steps:
        said = [step.sentence] if step.sentence else []
        yield Moment(step.name, step.title, step.tone, line["declared_on"], said=said, step=step)


def _messages(line: Mapping[str, Any], language: str) -> Iterator[Moment]:
    if line["order_id"] is not None and line["verdict"] != "invalid":
        yield Moment("messages", text("consignments.messages", language), "ok" if line["verdict"] == "release" else "waiting")


def _after(events: Sequence[LineEvent], names: Mapping[str, str], language: str) -> Iterator[Moment]:
    for event in events:
        verdict, reason = event.detail.get("verdict", ""), event.detail.get("reason", "")
        tone = VERDICT_TONES.get(verdict, "") if event.kind in ("settled", "inspected") else ""
        said = [text("consignments.reason-was", language, reason=reason)] if reason else []
        title = text(_event_text(event.kind, verdict), language)
        yield Moment(event.kind, title, tone or EVENT_TONES.get(event.kind, ""), event.at, names.get(event.actor, event.actor), said)


def _event_text(kind: str, verdict: str) -> str:
    """The text of an event: of the verdict it brought where there is one, else of its kind."""
    ids = (f"consignments.event-{kind}-{verdict}", f"consignments.event-{kind}")
    return next((one for one in ids if one in all_texts()), kind)
