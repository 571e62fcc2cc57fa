"""Uploads and batches: files of orders come in, are cleared, mended and fed back."""

from entrepot.desk.batches import views
from entrepot.desk.batches.uploads import FILE_MOST
from entrepot.desk.plug import EVERYBODY, FORM_BYTES, Area, Entry, Page, Role

__all__ = ["AREA"]

UPLOADERS = frozenset({Role.TRADER, Role.BROKER, Role.ADMINISTRATOR})

AREA = Area(
    app="entrepot.desk.batches",
    permissions={"batches.view": EVERYBODY, "batches.upload": UPLOADERS, "reservations.edit": UPLOADERS},
    pages=[
        Page("upload/", views.uploads, "uploads", "batches.upload", FILE_MOST + FORM_BYTES),
        Page("upload/sample.csv", views.sample_file, "sample_file", "batches.upload"),
        Page("upload/sample/", views.try_sample, "try_sample", "batches.upload"),
        Page("upload/<uuid:upload>/", views.upload_detail, "upload_detail", "batches.upload"),
        Page("batches/", views.batches, "batches", "batches.view"),
        Page("batches/<uuid:batch>/", views.batch_page, "batch", "batches.view"),
        Page("batches/<uuid:batch>/progress/", views.batch_progress, "batch_progress", "batches.view"),
        Page("batches/<uuid:batch>/files/<str:name>", views.batch_file, "batch_file", "consignments.export"),
        Page("batches/<uuid:batch>/problems/", views.problems, "batch_problems", "batches.upload"),
        Page("batches/<uuid:batch>/problems/<int:row_id>/", views.problem_row, "batch_problem_row", "batches.upload"),
        Page("batches/<uuid:batch>/feed-back/", views.feed_back_rows, "batch_feed_back", "batches.upload"),
        Page("batches/<uuid:batch>/personal/", views.personal_file, "batch_personal", "persons.reveal"),
    ],
    navigation=[
        Entry("uploads", "desk.nav-upload", "upload", "batches.upload", 20),
        Entry("batches", "desk.nav-batches", "data", "batches.view", 25),
    ],
    api={
        "/batches": "entrepot.desk.batches.api:router",
        "/uploads": "entrepot.desk.batches.api_uploads:router",
        "/reservations": "entrepot.desk.batches.api_reservations:router",
    },
    jobs={"batches.clear": "entrepot.desk.batches.clear:clear_batch"},
    given_up={"batches.clear": "entrepot.desk.batches.clear:give_up"},
    events=["batch.done"],
    periodic=["entrepot.desk.batches.uploads:sweep", "entrepot.desk.batches.reservations:end_expired"],
)
