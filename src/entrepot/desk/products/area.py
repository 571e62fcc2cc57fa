"""The products area of the desk: the catalogue."""

from entrepot.desk.plug import EVERYBODY, FORM_BYTES, Area, Entry, Page, Role
from entrepot.desk.products import views
from entrepot.desk.products.files import IMAGE_MOST, PAPER_MOST

__all__ = ["AREA"]

HERE = "products/"

AREA = Area(
    app="entrepot.desk.products",
    permissions={
        "products.view": EVERYBODY,
        "products.edit": frozenset({Role.TRADER, Role.BROKER, Role.ADMINISTRATOR}),
    },
    pages=[
        Page(HERE, views.products, "products", "products.view"),
        Page(f"{HERE}new/", views.product_new, "product_new", "products.edit"),
        Page(f"{HERE}import/", views.products_import, "products_import", "products.edit", views.IMPORT_MOST + FORM_BYTES),
        Page(f"{HERE}export/", views.products_export, "products_export", "products.view"),
        Page(f"{HERE}<uuid:product_id>/", views.product, "product", "products.view"),
        Page(f"{HERE}<uuid:product_id>/edit/", views.product_edit, "product_edit", "products.edit"),
        Page(f"{HERE}<uuid:product_id>/code/", views.product_code, "product_code", "products.edit"),
        Page(f"{HERE}<uuid:product_id>/images/", views.product_image_add, "product_image_add", "products.edit", IMAGE_MOST + FORM_BYTES),
        Page(
            f"{HERE}<uuid:product_id>/certificates/",
            views.product_certificate_add,
            "product_certificate_add",
            "products.edit",
            PAPER_MOST + FORM_BYTES,
        ),
        Page(f"{HERE}images/<uuid:image_id>/", views.product_image, "product_image", "products.view"),
        Page(
            f"{HERE}images/<uuid:image_id>/remove/", views.product_image_remove, "product_image_remove", "products.edit"
        ),
        Page(
            f"{HERE}certificates/<uuid:certificate_id>/",
            views.product_certificate,
            "product_certificate",
            "products.view",
        ),
        Page(
            f"{HERE}certificates/<uuid:certificate_id>/remove/",
            views.product_certificate_remove,
            "product_certificate_remove",
            "products.edit",
        ),
    ],
    navigation=[Entry("products", "desk.nav-products", "products", "products.view", 60)],
    api={"": "entrepot.desk.products.api:router"},
)
