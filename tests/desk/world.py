"""One object of every kind that an address can name, in one organisation: what the matrix fills parameters with."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from entrepot.desk.batches.models import Batch, BuyerYear, Reservation
from entrepot.desk.batches.sample import clear_sample_day, upload_sample
from entrepot.desk.consignments.listing import page
from entrepot.desk.consignments.many import ask_export
from entrepot.desk.consignments.models import Proposal
from entrepot.desk.inspection.cases import take
from entrepot.desk.inspection.evidence import keep_evidence
from entrepot.desk.inspection.models import Case
from entrepot.desk.jobs.run import run_job
from entrepot.desk.lawbook.models import PolicyItem
from entrepot.desk.people.models import ApiKey, Invitation, Mandate, Membership
from entrepot.desk.plug import Role
from entrepot.desk.products.files import add_certificate, add_image
from entrepot.desk.products.models import Product
from entrepot.desk.webhooks.models import Delivery, Webhook
from entrepot.run.shelf import Filters
from tests.desk.conftest import Firm

__all__ = ["line_of_verdict", "objects_of"]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""The smallest picture."""


def objects_of(firm: Firm) -> Mapping[str, str]:
    """Parameter name to the value that names the firm's own object; the sample day is cleared for it."""
    batch = clear_sample_day(firm.acting("trader"))
    assert batch.state == Batch.State.DONE
    return {**_lines(firm, batch), **_cases(firm, batch), **_people(firm), **_others(firm, batch)}


def _lines(firm: Firm, batch: Batch) -> dict[str, str]:
    line = line_of_verdict(firm, batch, "hold")
    proposal = Proposal.objects.create(
        organisation=firm.organisation, batch=batch, order_id=line["order_id"], verdict="release", reason="papers seen", proposed_by="key:x"
    )
    refused = line_of_verdict(firm, batch, "invalid")
    declared = page(firm.acting("trader"), Filters(order="REX-001", batch=(str(batch.id),))).rows[0]
    return {
        "batch": str(batch.id), "row_id": str(line["row_id"]), "refused_row_id": str(refused["row_id"]),
        "declared_row_id": str(declared["row_id"]), "kind": "603",
        "proposal": str(proposal.id), "name": "problems.csv", "offset": "0",
    }  # fmt: skip


def line_of_verdict(firm: Firm, batch: Batch, verdict: str) -> dict[str, Any]:
    """The first line of a batch that stands so."""
    found = page(firm.acting("trader"), Filters(verdict=(verdict,), batch=(str(batch.id),)))
    return found.rows[0]


def _cases(firm: Firm, batch: Batch) -> dict[str, str]:
    inspector = firm.acting("inspector")
    case = take(inspector, Case.objects.of(firm.organisation).filter(batch=batch).order_by("-risk", "id")[0])
    evidence = keep_evidence(inspector, case, SimpleUploadedFile("photo.png", PNG), "")
    return {"case": str(case.id), "evidence": str(evidence.id)}


def _people(firm: Firm) -> dict[str, str]:
    own, later = {"organisation": firm.organisation}, timezone.now() + timedelta(days=1)
    member = Membership.objects.of(firm.organisation).get(role=Role.ANALYST)
    invitation = Invitation.objects.create(**own, email="guest@example.org", role=Role.TRADER, token_hash=uuid4().hex, expires_at=later)
    key, _ = ApiKey.issue(**own, name="world", scopes=[], expires_at=later)
    mandate = Mandate.objects.create(**own, broker=firm.organisation, begins_on=timezone.localdate())
    inspector = Membership.objects.of(firm.organisation).get(role=Role.INSPECTOR)
    return {"member_id": str(member.id),
            "inspector_member": str(inspector.id), "inspector_user": str(inspector.user_id),
            "invitation_id": str(invitation.id), "key_id": str(key.id), "mandate_id": str(mandate.id),
            "token": "nothing"}  # fmt: skip


def _others(firm: Firm, batch: Batch) -> dict[str, str]:
    own = {"organisation": firm.organisation}
    hook = Webhook.objects.create(**own, url="https://receiver.example/hook", secret="s", kinds=["batch.done"])
    delivery = Delivery.objects.create(**own, webhook=hook, event=uuid4(), kind="batch.done", body="{}")
    policy = PolicyItem.objects.create(**own, area=5, title="Lists", begins_on=timezone.localdate())
    job = ask_export(firm.acting("analyst"), {"verdict": "hold"}, "csv")
    run_job.func(str(job.id))
    year = BuyerYear.objects.create(**own, buyer_key="ab" * 32, year=2026)
    reservation = Reservation.objects.create(**own, buyer_year=year, order_id="R-1", amount_fen=100,
                                             expires_at=timezone.now() + timedelta(days=1))  # fmt: skip
    product = Product.objects.create(**own, sku="W-1", name_en="world")
    trader = firm.acting("trader")
    image = add_image(trader, product, SimpleUploadedFile("photo.png", PNG))
    certificate = add_certificate(trader, product, SimpleUploadedFile("paper.pdf", b"%PDF-1.4 world"), kind="CE")
    return {"webhook": str(hook.id), "delivery": str(delivery.id), "policy": str(policy.id), "job": str(job.id),
            "reservation": str(reservation.id), "product_id": str(product.id),
            "image_id": str(image.id), "certificate_id": str(certificate.id), "upload": str(upload_sample(firm.acting("trader")).id),
            "rule": "cn.9610.retail-export", "path": "cn/cbec/yearly_limit"}  # fmt: skip
