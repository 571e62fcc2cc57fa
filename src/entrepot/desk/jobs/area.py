"""Jobs: long work and how far it is."""

from entrepot.desk.jobs import views
from entrepot.desk.plug import EVERYBODY, Area, Entry, Page

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.jobs",
    permissions={"jobs.view": EVERYBODY},
    pages=[
        Page("jobs/", views.jobs, "jobs", "jobs.view"),
        Page("jobs/<uuid:job>/", views.job_page, "job", "jobs.view"),
        Page("jobs/<uuid:job>/progress/", views.job_progress, "job_progress", "jobs.view"),
    ],
    navigation=[Entry("jobs", "desk.nav-jobs", "jobs", "jobs.view", 95, group="more")],
    api={"/jobs": "entrepot.desk.jobs.api:router"},
    events=["job.ended"],
)
