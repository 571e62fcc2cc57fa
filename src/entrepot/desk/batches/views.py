"""Pages of uploads and batches."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.choices import Choices, fitting, guessed, of_saved
from entrepot.desk.batches.clear import start
from entrepot.desk.batches.downloads import file_response, files_of, personal_files_of, personal_response
from entrepot.desk.batches.figures import figures_of
from entrepot.desk.batches.forms import choices_from, mapping_page, suggestions
from entrepot.desk.batches.look import seen_of
from entrepot.desk.batches.mend import Row, feed_back, mended_counts, row_of, rows_page, save_for_all, save_row
from entrepot.desk.batches.models import Batch, Upload
from entrepot.desk.batches.models import Mapping as SavedMapping
from entrepot.desk.batches.sample import SAMPLE_NAME, sample_orders, upload_sample
from entrepot.desk.batches.uploads import FILE_MOST, PIECE_MOST, discard, take_file
from entrepot.desk.consignments.settle import REASON_LEAST, REASON_MOST
from entrepot.desk.context import language
from entrepot.desk.sending import send_blocks
from entrepot.desk.told import Told, said_of
from entrepot.goods.errors import CallError, EntrepotError
from entrepot.goods.texts import text

__all__ = [
    "batch_file", "batch_page", "batch_progress", "batches", "feed_back_rows", "personal_file", "problem_row", "problems",
    "sample_file", "try_sample", "upload_detail", "uploads",
]  # fmt: skip

RECENT = 10
LISTED = 50
ROWS_SHOWN = 20
View = Callable[..., HttpResponseBase]


def said(error: Exception) -> str:
    """What went wrong, in the reader's language where there is a text for it."""
    return said_of(error)


def _told_on(name: str) -> Callable[[View], View]:
    """Send a person whose wish cannot be done back to a page that says why."""

    def decorate(view: View) -> View:
        @wraps(view)
        def told(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            try:
                answered: HttpResponseBase = view(request, *arguments, **named)
                return answered
            except EntrepotError as error:
                messages.error(request, said(error))
                back: HttpResponseBase = redirect(name, **named)
                return back

        return told

    return decorate


@require_http_methods(["GET", "POST"])
def uploads(request: Any) -> HttpResponseBase:
    """The drop zone and recent uploads; takes a small file sent with the form where there is no script."""
    error = ""
    if request.method == "POST" and (file := request.FILES.get("file")):
        try:
            upload = take_file(request.acting, file.name, file.chunks(), file.size)
            return redirect("upload_detail", upload=upload.id)
        except EntrepotError as cause:
            error = said(cause)
    elif request.method == "POST":
        error = text("batches.choose-file", language())
    recent = Upload.objects.of(request.acting).filter(removed_at=None).order_by("-created_at")[:RECENT]
    page = {
        "recent": recent, "error": error, "most_bytes": FILE_MOST, "piece_bytes": PIECE_MOST,
        "last": Batch.objects.of(request.acting).order_by("-ordinal")[:5],
    }  # fmt: skip
    return render(request, "batches/uploads.html", page, status=422 if error else 200)


@require_GET
def sample_file(request: HttpRequest) -> HttpResponseBase:
    """The sample file of orders, to look at and fill in."""
    return send_blocks(request, [sample_orders()], SAMPLE_NAME, "text/csv; charset=utf-8")


@require_POST
@_told_on("uploads")
def try_sample(request: Any) -> HttpResponseBase:
    """Clear the sample day."""
    upload = upload_sample(request.acting)
    return redirect("batch", batch=start(request.acting, upload, Choices.of(upload.choices)).id)


@require_http_methods(["GET", "POST"])
def upload_detail(request: Any, upload: UUID) -> HttpResponseBase:
    """The columns of an upload and what they give; corrected, saved under a name, cleared or thrown away."""
    one: Upload = Upload.objects.one(request.acting, id=upload)
    if one.removed_at or not one.whole:
        if request.POST.get("action") == "discard" and not one.removed_at:
            discard(request.acting, one)
            return redirect("uploads")
        return _gone(request, one)
    choices, error = Choices.of(one.choices), ""
    if request.method == "POST":
        try:
            choices, response = _act(request, one)
            if response is not None:
                return response
        except EntrepotError as cause:
            error = said(cause)
            choices = Choices.of(Upload.objects.one(request.acting, id=upload).choices)
    page = mapping_page(one, choices, seen_of(one.folder, one.path, one.kind, choices.sheet or None))
    page |= {"upload": one, "error": error, "fitting": fitting(request.acting, one.columns)}
    return render(request, "batches/mapping.html", page, status=422 if error else 200)


def _gone(request: Any, upload: Upload) -> HttpResponseBase:
    batch = Batch.objects.of(request.acting).filter(upload=upload).order_by("-ordinal").first()
    if batch:
        return redirect("batch", batch=batch.id)
    messages.error(request, text("batches.file-gone" if upload.removed_at else "batches.send-again", language()))
    return redirect("uploads")


def _act(request: Any, upload: Upload) -> tuple[Choices, HttpResponseBase | None]:
    """What a button of the mapping page does; the choices to show, or where to go."""
    action = request.POST.get("action", "")
    if action == "discard":
        discard(request.acting, upload)
        return Choices(), redirect("uploads")
    choices = _other_choices(request, upload, action) or choices_from(upload, request.POST)
    upload.choices = choices.stored()
    upload.save(update_fields=["choices", "columns"])
    if action == "save":
        _save_mapping(request, choices)
        return choices, redirect("upload_detail", upload=upload.id)
    if action == "clear":
        return choices, redirect("batch", batch=start(request.acting, upload, choices).id)
    return choices, redirect("upload_detail", upload=upload.id) if action else None


def _other_choices(request: Any, upload: Upload, action: str) -> Choices | None:
    """The choices a button puts in place of those in the form: another sheet, a saved or ready mapping, the first guess."""
    kind, _, key = action.partition(":")
    if kind == "sheet":
        sheet = request.POST.get("sheet", "")
        if sheet not in upload.sheets:
            raise Told("batches.no-such-sheet")
        upload.columns = [column.name for column in seen_of(upload.folder, upload.path, upload.kind, sheet).columns]
        return guessed(request.acting, upload.columns, sheet)
    sheet = str(upload.choices.get("sheet", ""))
    if kind == "saved":
        saved = SavedMapping.objects.one(request.acting, id=key)
        return of_saved(saved, sheet)
    if kind == "ready":
        return Choices(ready=key)
    return guessed(request.acting, upload.columns, sheet) if kind == "guess" else None


def _save_mapping(request: Any, choices: Choices) -> None:
    name = request.POST.get("name", "").strip()[:120]
    if not name or choices.ready:
        raise Told("batches.name-mapping")
    options = {"number_lines": choices.number_lines, "time_zone": choices.time_zone}
    with transaction.atomic():
        saved, _ = SavedMapping.objects.update_or_create(
            organisation=request.acting.organisation, name=name,
            defaults={"columns": choices.columns, "constants": choices.constants, "options": options},
        )  # fmt: skip
        record(request.acting, "mapping.saved", "mapping", saved.id)
    messages.success(request, text("batches.mapping-saved", language(), name=name))


@require_GET
def batches(request: Any) -> HttpResponse:
    """All batches, the newest first."""
    found = Batch.objects.of(request.acting).select_related("job").order_by("-ordinal")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(ordinal__lt=int(before))
    shown = list(found[: LISTED + 1])
    after = f"?before={shown[LISTED - 1].ordinal}" if len(shown) > LISTED else ""
    page = {"batches": shown[:LISTED], "next": after, "first": request.path if before else ""}
    return render(request, "batches/batches.html", page)


@require_GET
def batch_page(request: Any, batch: UUID) -> HttpResponse:
    """A batch: how far it is, then what came out."""
    one: Batch = Batch.objects.select_related("job", "upload", "mends").one(request.acting, id=batch)
    page: dict[str, Any] = {"batch": one, "mended_by": Batch.objects.of(request.acting).filter(mends=one).order_by("ordinal")}
    if one.state == Batch.State.DONE:
        page |= figures_of(one) | _personal(request, one) | {"files": files_of(request.acting, one), "mended": mended_counts(one)}
    return render(request, "batches/batch.html", page)


def _personal(request: Any, batch: Batch) -> dict[str, Any]:
    """What the form needs that hands out files with persons; no files for those who may not reveal them."""
    return {"personal_files": personal_files_of(request.acting, batch), "least": REASON_LEAST, "reason_most": REASON_MOST}


@require_GET
def batch_progress(request: Any, batch: UUID) -> HttpResponse:
    """How far a batch is, asked for every second; the whole page is fetched anew when it has ended."""
    one: Batch = Batch.objects.select_related("job").one(request.acting, id=batch)
    response = render(request, "batches/progress.html", {"batch": one})
    if one.state in (Batch.State.DONE, Batch.State.FAILED):
        response["HX-Refresh"] = "true"
    return response


@require_GET
def batch_file(request: Any, batch: UUID, name: str) -> HttpResponseBase:
    """A file of the result."""
    return file_response(request, request.acting, Batch.objects.one(request.acting, id=batch), name)


@require_POST
@_told_on("batch")
def personal_file(request: Any, batch: UUID) -> HttpResponseBase:
    """A file that names persons, whole; the reason is kept."""
    one = _finished(request, batch)
    return personal_response(request, request.acting, one, request.POST.get("file", ""), request.POST.get("reason", ""))


def _finished(request: Any, batch: UUID) -> Batch:
    one: Batch = Batch.objects.one(request.acting, id=batch, state=Batch.State.DONE)
    return one


@require_GET
def problems(request: Any, batch: UUID) -> HttpResponse:
    """Refused rows with what is wrong, to be mended in place."""
    one = _finished(request, batch)
    code = request.GET.get("code", "")
    code = code if code in one.summary["by_problem"] else ""
    rows, following = rows_page(one, after=_place(request), code=code, rows=ROWS_SHOWN)
    kept = {"code": code} if code else {}
    page = _personal(request, one) | {
        "batch": one, "rows": rows, "codes": one.summary["by_problem"], "code": code, "mended": mended_counts(one),
        "next": f"?{urlencode({'after': following, **kept})}" if following is not None else "",
        "first": f"{request.path}?{urlencode(kept)}" if "after" in request.GET else "",
        "mended_by": Batch.objects.of(request.acting).filter(mends=one).order_by("ordinal"), **suggestions(),
    }  # fmt: skip
    return render(request, "batches/problems.html", page)


def _place(request: Any) -> int:
    after = request.GET.get("after", "")
    return int(after) if after.isdecimal() and len(after) < 19 else -1


@require_POST
def problem_row(request: Any, batch: UUID, row_id: int) -> HttpResponseBase:
    """Keep the changes of one row; answers with the row for htmx, else with the page it stands on."""
    one = _finished(request, batch)
    error, same = "", 0
    try:
        if name := request.POST.get("same", ""):
            key = request.POST.get(f"key-{name}", "")
            same = save_for_all(request.acting, one, row_id, name, request.POST.get(f"cell:{key}", ""))
            row = row_of(one, row_id)
        else:
            row = save_row(request.acting, one, row_id, _given(request, row_of(one, row_id)))
    except CallError as cause:
        error, row = said(cause), row_of(one, row_id)
    if request.headers.get("HX-Request"):
        page = {"row": row, "batch": one, "mended": mended_counts(one), "error": error, "same": same, "swap": True}
        return render(request, "batches/row_saved.html", page)
    if error:
        messages.error(request, error)
    place, asked = reverse("batch_problems", args=[batch]), str(request.POST.get("next", ""))
    return redirect(f"{asked if asked.startswith(place) else place}#row-{row_id}")


def _given(request: Any, row: Row) -> dict[str, str]:
    """Values of the form by cell; a covered personal value that was left empty stays as it was."""
    given = {}
    for cell in row.cells:
        sent = request.POST.get(f"cell:{cell.key}")
        if sent is None or (cell.personal and sent == ""):
            sent = cell.value
        given[cell.key] = sent
    return given


@require_POST
@_told_on("batch_problems")
def feed_back_rows(request: Any, batch: UUID) -> HttpResponseBase:
    """Clear the changed rows and those chosen, with the rest of their orders, as a new batch."""
    one = _finished(request, batch)
    chosen = [int(value) for value in request.POST.getlist("row") if value.isdecimal() and len(value) < 19]
    return redirect("batch", batch=feed_back(request.acting, one, chosen).id)
