"""Shapes of batches in the API."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from entrepot.desk.batches.models import Batch
from entrepot.desk.jobs.schemas import JobOut, job_out

__all__ = ["BatchOut", "SummaryOut", "batch_out"]


class SummaryOut(Schema):
    """Figures of a finished batch. Amounts are CNY as decimal texts; `rows_in` is `rows_decided` and `rows_refused`."""

    rows_in: int = Field(examples=[40])
    rows_decided: int = Field(examples=[36])
    rows_refused: int = Field(examples=[4])
    parcels: int = Field(examples=[33])
    parcels_released: int = Field(examples=[20])
    paperless_ratio: float | None = Field(None, examples=[0.606061])
    by_verdict: dict[str, int] = Field(examples=[{"release": 22, "hold": 10, "refuse": 4, "invalid": 4}])
    by_mode: dict[str, int] = Field(examples=[{"9610": 20, "1210": 12}])
    by_reason: dict[str, int] = Field(examples=[{"release.no-code": 2}])
    by_problem: dict[str, int] = Field(examples=[{"goods.missing": 3}])
    tax: dict[str, str] = Field(examples=[{"duty": "0.00", "consumption_tax": "0.00", "vat": "120.40"}])
    tax_total_cny: str = Field(examples=["120.40"])
    tax_unknown_lines: int = Field(examples=[0])


class BatchOut(Schema):
    """One clearing of a file, its job while it runs and its figures once it is done."""

    id: UUID
    name: str = Field(examples=["orders-2026-03-10.csv"])
    ordinal: int = Field(description="Runs up; later batches list first", examples=[17])
    state: str = Field(description="waiting, clearing, done or failed", examples=["done"])
    created_at: datetime
    upload: UUID | None = None
    mends: UUID | None = Field(None, description="The batch whose refused rows this one feeds back")
    law_hash: str = Field("", examples=["0c7e…"])
    job: JobOut | None = None
    summary: SummaryOut | None = None


def batch_out(batch: Batch) -> dict[str, Any]:
    """A batch as the API tells it."""
    summary = batch.summary or None
    figures = {name: summary[name] for name in SummaryOut.model_fields} if summary else None
    if figures:
        figures["tax_total_cny"] = f"{Decimal(figures['tax_total_cny']):.2f}"
    names = ("id", "name", "ordinal", "state", "created_at", "law_hash")
    return {name: getattr(batch, name) for name in names} | {
        "upload": batch.upload_id, "mends": batch.mends_id, "job": job_out(batch.job) if batch.job else None, "summary": figures,
    }  # fmt: skip
