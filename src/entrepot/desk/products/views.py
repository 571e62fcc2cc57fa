"""Pages of products."""

import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.audit.reading import actors
from entrepot.desk.context import language
from entrepot.desk.people.acting import Acting
from entrepot.desk.products.catalogue import MOST_ROWS, Imported, cells_of, products_csv, take_in
from entrepot.desk.products.codes import decide_code, present_codes
from entrepot.desk.products.files import add_certificate, add_image, remove_file
from entrepot.desk.products.forms import CertificateForm, CodeForm, ImageForm, ImportForm, ProductForm
from entrepot.desk.products.listing import ENDS_SOON, WANTED, found, page
from entrepot.desk.products.models import Certificate, Code, Image, Product
from entrepot.desk.sending import send_blocks, send_file
from entrepot.desk.told import Told, changing, posted, said_of, say_done
from entrepot.goods.catalogue_file import COLUMNS, CellProblem
from entrepot.goods.errors import EntrepotError
from entrepot.goods.reference import unit
from entrepot.goods.texts import all_texts, text

__all__ = [
    "product", "product_certificate", "product_certificate_add", "product_certificate_remove", "product_code", "product_edit",
    "product_image", "product_image_add", "product_image_remove", "product_new", "products", "products_export", "products_import",
]  # fmt: skip

IMPORT_MOST = 10 << 20
SANDBOX = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"


def _asked(request: Any) -> tuple[str, str]:
    wanted = request.GET.get("wanted", "")
    return request.GET.get("q", "").strip()[:120].replace("\0", ""), wanted if wanted in WANTED else ""


def products(request: Any) -> HttpResponse:
    """The catalogue: search and filters, in pages."""
    acting: Acting = request.acting
    query, wanted = _asked(request)
    where = {name: request.GET.get(name, "")[:120].replace("\0", "") for name in ("before", "after")}
    shown, before, after = page(found(acting, query, wanted), where)
    present = present_codes(acting, shown)
    kept = {name: value for name, value in (("q", query), ("wanted", wanted)) if value}
    return render(request, "products/products.html", {
        "rows": [(one, present.get(one)) for one in shown], "q": query, "wanted": wanted, "query": urlencode(kept),
        "choices": [(one, f"products.wanted-{one or 'all'}", f"?{urlencode({**kept, 'wanted': one})}") for one in WANTED],
        "previous": f"?{urlencode({**kept, 'before': before})}" if before else "",
        "next": f"?{urlencode({**kept, 'after': after})}" if after else "",
        "any": bool(shown) or Product.objects.of(acting).exists(),
    })  # fmt: skip


def product(request: Any, product_id: UUID) -> HttpResponse:
    """One product: facts, codes as they were decided, pictures, certificates."""
    return _product(request, Product.objects.one(request.acting, id=product_id))


def _product(request: Any, one: Product, **forms: Any) -> HttpResponse:
    acting: Acting = request.acting
    named, today = actors(acting), timezone.localdate()
    codes = [
        (code, named.get(code.decided_by, code.decided_by)) for code in Code.objects.of(acting).filter(product=one)
    ]
    certificates = Certificate.objects.of(acting).filter(product=one).order_by("valid_until", "created_at")
    shown = {
        "product": one, "present": [pair for pair in codes if pair[0].superseded_at is None],
        "earlier": [pair for pair in codes if pair[0].superseded_at],
        "images": Image.objects.of(acting).filter(product=one).order_by("created_at"),
        "certificates": [(row, _validity(row, today)) for row in certificates],
        **_facts(one),
        "code_form": CodeForm(), "image_form": ImageForm(), "certificate_form": CertificateForm(),
        **forms,
    }  # fmt: skip
    return render(request, "products/product.html", shown, status=422 if forms else 200)


def _facts(one: Product) -> dict[str, str]:
    """What the page words differently than the table holds it."""
    truth = {True: "yes", False: "no", None: "unknown"}
    known = unit(one.unit) if one.unit else None
    content = one.content_quantity_e5
    return {
        "unit": f"{known.code} {known.name_zh}" if known else one.unit,
        "positive": truth[one.on_positive_list],
        "licence": truth[one.needs_licence],
        "content": "" if content is None else cells_of(one, None)["content_quantity"],
    }


def _validity(certificate: Certificate, today: Any) -> str:
    if certificate.valid_until is None:
        return "open"
    if certificate.valid_until < today:
        return "ended"
    return "ending" if certificate.valid_until <= today + ENDS_SOON else "valid"


def product_new(request: Any) -> HttpResponse:
    """Add a product."""
    return _edit(request, Product(organisation=request.acting.organisation), "product.made")


def product_edit(request: Any, product_id: UUID) -> HttpResponse:
    """Change a product; its codes are decided on its page."""
    return _edit(request, Product.objects.one(request.acting, id=product_id), "product.changed")


def _edit(request: Any, one: Product, action: str) -> HttpResponse:
    form = ProductForm(posted(request), instance=one)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            record(request.acting, action, "product", saved.id, fields=sorted(form.changed_data))
        say_done(request, "people.saved")
        return redirect("product", saved.id)
    fresh = one._state.adding
    return render(
        request,
        "products/edit.html",
        {"form": form, "product": one, "fresh": fresh},
        status=422 if form.errors else 200,
    )


def product_code(request: Any, product_id: UUID) -> HttpResponse:
    """Decide a code of a product."""
    one = Product.objects.one(request.acting, id=product_id)
    form = CodeForm(posted(request))
    if request.method != "POST":
        return redirect("product", one.id)
    if not form.is_valid():
        return _product(request, one, code_form=form)
    given = form.cleaned_data
    try:
        decide_code(
            request.acting,
            one,
            given["jurisdiction"].upper(),
            given["edition"],
            given["code"],
            given["reason"],
            given["confirmed"],
        )
    except Told as error:
        form.add_error(FIELD_OF.get(error.text_id, "code"), error.said)
        return _product(request, one, code_form=form)
    say_done(request, "products.code-decided")
    return redirect("product", one.id)


FIELD_OF = {
    "products.jurisdiction-unknown": "jurisdiction",
    "products.edition-out": "edition",
    "products.reason-missing": "reason",
}
"""Which field a refusal of a code is said at."""


def product_image_add(request: Any, product_id: UUID) -> HttpResponse:
    """Add a picture."""
    return _add_file(
        request, product_id, ImageForm, "image", lambda one, given: add_image(request.acting, one, given["image"])
    )


def product_certificate_add(request: Any, product_id: UUID) -> HttpResponse:
    """Add a certificate."""
    return _add_file(
        request,
        product_id,
        CertificateForm,
        "file",
        lambda one, given: add_certificate(request.acting, one, given.pop("file"), **given),
    )


def _add_file(request: Any, product_id: UUID, kind: Any, field: str, add: Any) -> HttpResponse:
    one = Product.objects.one(request.acting, id=product_id)
    if request.method != "POST":
        return redirect("product", one.id)
    form = kind(request.POST, request.FILES)
    name = "image_form" if kind is ImageForm else "certificate_form"
    if form.is_valid():
        try:
            add(one, dict(form.cleaned_data))
        except Told as error:
            form.add_error(field, error.said)
    if form.errors:
        return _product(request, one, **{name: form})
    say_done(request, "products.file-added")
    return redirect("product", one.id)


def product_image(request: Any, image_id: UUID) -> HttpResponseBase:
    """A picture, as it was kept."""
    return _sent(request, Image.objects.one(request.acting, id=image_id))


def product_certificate(request: Any, certificate_id: UUID) -> HttpResponseBase:
    """The file of a certificate, as it was kept."""
    return _sent(request, Certificate.objects.one(request.acting, id=certificate_id))


def _sent(request: Any, row: Image | Certificate) -> HttpResponseBase:
    """Shown with the type its bytes say, never as a page of the desk: no scripts, no guess of another type."""
    response = send_file(request, row.path, row.name, row.media_type, inline=True)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    response["ETag"] = f'"{row.sha256}"'
    return response


@changing("products")
def product_image_remove(request: Any, image_id: UUID) -> HttpResponse:
    """Take a picture away."""
    return _removed(request, Image.objects.one(request.acting, id=image_id))


@changing("products")
def product_certificate_remove(request: Any, certificate_id: UUID) -> HttpResponse:
    """Take a certificate away."""
    return _removed(request, Certificate.objects.one(request.acting, id=certificate_id))


def _removed(request: Any, row: Image | Certificate) -> HttpResponse:
    remove_file(request.acting, row)
    say_done(request, "products.file-removed")
    return redirect("product", row.product_id)


def products_export(request: Any) -> HttpResponseBase:
    """The products that are listed, as a catalogue file an import takes back."""
    acting: Acting = request.acting
    return send_blocks(
        request,
        products_csv(acting, found(acting, *_asked(request))),
        f"products-{timezone.localdate()}.csv",
        "text/csv; charset=utf-8",
    )


def _allowed(problem: CellProblem) -> str:
    """What a cell may hold, in the reader's language; a list of values is the same in both."""
    most = re.fullmatch(r"at most (\d+) characters", problem.allowed)
    if most:
        return Told("products.allowed-length", most=int(most[1])).said
    known = f"products.allowed.{problem.column}"
    return text(known, language()) if known in all_texts() else problem.allowed


def products_import(request: Any) -> HttpResponse:
    """Take a catalogue file in: everything, or nothing and every problem at once."""
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    done: Imported | None = None
    if request.method == "POST" and form.is_valid():
        try:
            done = _taken_in(request.acting, form.cleaned_data["file"], form.cleaned_data["edition"])
        except Told as error:
            form.add_error("file", error.said)
        except EntrepotError as error:
            form.add_error("file", said_of(error))
    if done and not done.problems:
        say_done(request, "products.imported", made=done.made, changed=done.changed, same=done.same, codes=done.codes)
        return redirect("products")
    problems = done.problems if done else ()
    said = [(one, _allowed(one)) for one in problems[:500]]
    shown = {"form": form, "problems": said, "count": len(problems), "columns": COLUMNS, "most": MOST_ROWS}
    return render(request, "products/import.html", shown, status=422 if form.errors or problems else 200)


def _taken_in(acting: Acting, file: Any, edition: int) -> Imported:
    if file.size > IMPORT_MOST:
        raise Told("products.file-size", most=IMPORT_MOST >> 20)
    with tempfile.TemporaryDirectory(dir=settings.DESK_FOLDER) as folder:
        path = Path(folder) / f"catalogue{Path(file.name).suffix.lower()[:6]}"
        with path.open("wb") as target:
            for block in file.chunks():
                target.write(block)
        return take_in(acting, path, edition)
