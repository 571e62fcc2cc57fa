"""What files, columns and keys of a result hold, in words: the part of the reference that no schema says."""

from collections.abc import Mapping

import polars as pl

from entrepot.goods.schema import PERSONS, PROBLEMS
from entrepot.messages import ceb
from entrepot.run.refused import REFUSED
from entrepot.run.sealing import SEALED_PERSONS

__all__ = ["BATCH_FILES", "ELEMENT_NOTES", "FRAMES", "RESULT_COLUMNS", "SENDER_KEYS", "SUMMARY_KEYS"]

BATCH_FILES: Mapping[str, str] = {
    "lines.parquet": "every row with its decision, rule ids, reasons and warnings",
    "problems.csv": "every bad field of every refused row, in both languages",
    "refused.csv": (
        "the orders of refused rows as they came, to mend and feed back; may hold personal data, readable by its owner only; "
        "absent when none was refused"
    ),
    "refused.sealed.parquet": "the same of a sealed batch, each row sealed under the key of the person it came with",
    "persons.parquet": "personal data by buyer_key and order, readable by its owner only",
    "persons.keys": (
        "of a sealed batch: half of the key of each row of persons.parquet, readable by its owner only; the one file that "
        "may change, by erasure, and so in no list of hashes"
    ),
    "messages/": (
        "<kind>-<chunk>.xml.zst, one zstd frame per message, and index.parquet; of a sealed batch also sealed.parquet"
    ),
    "message_problems.csv": "why an order's documents were not written; absent when all were",
    "cancellations.csv": "cancelling rows and the line each was matched to; absent when there are none",
    "declarations_1039.csv": (
        "declared lines of released market-procurement orders, merged where the law allows; absent when there are none"
    ),
    "summary.json": "the figures for a program",
    "report.html": "the figures with plots, one page without network, English and Chinese",
    "law.json": "the law the batch was decided with; its SHA-256 is law_hash",
    "balances.parquet": "the opening balances the batch was decided with; absent when none were given",
    "manifest.json": "state, identity of the inputs, steps done, hashes of all files",
}

RESULT_COLUMNS: Mapping[str, str] = {
    "source_file": "name of the file the row came from",
    "row": "data row in that file, from 1",
    "row_id": "running number over all inputs, from 0",
    "buyer_key": "keyed hash of buyer_id; null where no id was given",
    "name_zh": "Chinese name from the catalogue",
    "hs_code_source": "line or catalogue: where the code came from",
    "code_unconfirmed": "true when the code comes from a catalogue row nobody confirmed",
    "code_status": "listed, unknown-code or not-checked against the loaded nomenclature; null without a code",
    "waybill_reused": "the waybill number stands on another order of the day too",
    "cancelled": "a cancellation of the same day names this article of this buyer",
    "order_incomplete": "another row of the order was refused",
    "message_rule": "first pre-send rule the order's message broke; null when none, or when nothing was to be written",
    "sampled": "the order was drawn at random for a check",
    "goods_value_e5": "price × quantity in the line's currency at 10⁻⁵, rounded half-up",
    "goods_fen": "the same in CNY",
    "freight_fen": "freight in CNY; a charge given on some lines of the order is spread over all",
    "insurance_fen": "insurance in CNY, spread likewise",
    "price_fen": "goods + freight + insurance: the dutiable price of a retail import",
    "rate_kind": "home (CNY), customs, or ecb_cross",
    "rate_cny_e6": "CNY for rate_units_e6 of the currency",
    "rate_units_e6": "units of the currency the rate is for",
    "listed": "on the positive list of retail imports that day, or so the trader says while the list is not loaded",
    "spent_fen": "used of the buyer's yearly limit before this order, as far as is known here",
    "order_price_fen": "dutiable price of the whole order",
    "limit_rule": "rule that decided the limits of retail import",
    "mode": "mode to use, also when it was asked for and is refused; null when none is lawful",
    "mode_rule": "rule that decided for or against that mode",
    "mode_choice": "why this mode was taken",
    "form_rule": "rule that decided list or declaration",
    "list_form": "I import list, A simplified list, B list summed later; null for a full declaration",
    "code_digits": "digits of the code the form asks for",
    **{
        f"option_{mode}": f"deciding rule of mode {mode}"
        for mode in ("0110", "1039", "1210", "1239", "9610", "9710", "9810")
    },
    "tax_rule": "rule that decided the tax",
    "duty": "customs duty in CNY; null when unknown",
    "consumption_tax": "consumption tax in CNY; null when unknown",
    "vat": "import VAT in CNY; null when unknown",
    "tax_total": "sum of the three; null when one is unknown",
    "verdict": "release, hold, refuse (forbidden by law) or invalid (bad data)",
    "lane": "green released, yellow documents, red check of goods; null for refuse and invalid",
    "release_rule": "rule that decided the verdict",
    "reasons": "every rule that stops the line; empty when released",
    "warnings": "what a reader must know although it stops nothing",
}
"""Columns that are no field of a file."""

INDEX_COLUMNS: Mapping[str, str] = {
    "order_id": "order the document declares",
    "kind": "303, 603 or 621",
    "guid": "guid of the document, derived from its key",
    "file": "file under messages/",
    "offset": "first byte of the message in that file",
    "length": "bytes of the compressed message",
    "document_no": "number of the document in the message, from 1",
}
PERSON_COLUMNS: Mapping[str, str] = {
    "order_id": "order", "buyer_key": "the hash that stands in lines.parquet", "buyer_id": "identity number or account",
    "buyer_name": "name", "buyer_telephone": "telephone", "consignee_address": "address",
}  # fmt: skip
SEALED_PERSON_COLUMNS: Mapping[str, str] = {
    "order_id": "order", "buyer_key": "the hash that stands in lines.parquet",
    "person_no": "number of its key in persons.keys, from 1",
    "sealed": "the four personal fields as JSON, AES-256-GCM",
}  # fmt: skip
SEALED_VALUE_COLUMNS: Mapping[str, str] = {
    "kind": "message kind", "guid": "guid of the document", "person_no": "number of its key in persons.keys",
    "sealed": "what stands in the holes of the document, AES-256-GCM",
}  # fmt: skip
SEALED_ROW_COLUMNS: Mapping[str, str] = {
    "row_id": "running number over all inputs",
    "person_no": "number of its key in persons.keys; 0 where neither order nor buyer could be read",
    "sealed": "the row of refused.csv as JSON, AES-256-GCM",
}  # fmt: skip
PROBLEM_COLUMNS: Mapping[str, str] = {
    "source_file": "file", "row": "data row, from 1", "row_id": "running number over all inputs",
    "field": "bad field; empty when the whole row is bad", "code": "problem code", "message_en": "text",
    "message_zh": "text", "given": "what came, cut to 200 characters", "allowed": "what may come",
}  # fmt: skip
BROKEN_COLUMNS: Mapping[str, str] = {
    "order_id": "order", "kind": "message kind", "rule": "rule broken", "element": "element",
    "item": "item number; null for the head", "given": "what stands there; personal data as ***",
    "allowed": "what may stand there", "message_en": "text", "message_zh": "text",
}  # fmt: skip

FRAMES: Mapping[str, tuple[pl.Schema, Mapping[str, str]]] = {
    "problems.csv": (PROBLEMS, PROBLEM_COLUMNS),
    "persons.parquet": (PERSONS, PERSON_COLUMNS),
    "persons.parquet of a sealed batch": (SEALED_PERSONS, SEALED_PERSON_COLUMNS),
    "messages/sealed.parquet": (ceb.SEALED, SEALED_VALUE_COLUMNS),
    "refused.sealed.parquet": (REFUSED, SEALED_ROW_COLUMNS),
    "messages/index.parquet": (ceb.INDEX, INDEX_COLUMNS),
    "message_problems.csv": (ceb.PROBLEMS, BROKEN_COLUMNS),
}

SUMMARY_KEYS: Mapping[str, str] = {
    "rows_in": "rows read",
    "rows_decided": "rows_in − rows_refused",
    "rows_refused": "rows with bad data (verdict invalid)",
    "orders": "orders decided, without cancellations",
    "parcels": "parcels decided; an order is a parcel",
    "parcels_released": "parcels of which every line was released",
    "paperless_ratio": "parcels_released ÷ parcels, six decimals; null without parcels",
    "paperless_target": "0.9",
    "by_verdict": "rows by verdict, all four",
    "by_mode": "decided rows by mode; rows without a mode are left out",
    "by_lane": "decided rows by lane",
    "by_direction": "decided rows by direction",
    "by_country": "decided rows by the other country: buyer's of exports, seller's of imports",
    "by_chapter": "decided rows by the first two digits of the code",
    "by_reason": "rows by reason; a row may have several",
    "by_warning": "rows by warning; a row may have several",
    "by_tax_rule": "decided rows by tax rule",
    "by_limit_rule": "decided rows by limit rule",
    "by_form_rule": "decided rows by form rule",
    "by_port": "list of port, parcels, released",
    "by_day": "list of day, parcels, released",
    "paperless": "list of port, mode, day, parcels, released",
    "tax": "duty, consumption_tax and vat of decided rows whose tax is known, CNY as text",
    "tax_total_cny": "sum of the taxes that are known, CNY",
    "tax_by_mode": "known tax by mode, CNY as text",
    "tax_unknown_lines": "sale rows whose tax is unknown; they are in no total",
    "by_problem": "problems by code",
    "defaults_used": "rows on which a documented default stood in, by field",
    "cancellations": "rows that cancel, and how many were matched to their line",
    "messages": "documents and messages written, by kind",
    "messages_sendable": "false with the placeholder sender",
    "messages_not_signed": "kinds left out because they must be signed and no signer was given",
    "sender_note": "the sender's note",
    "mapping": "name of the column mapping; empty without one",
    "notes": "sentences of the mapping for the reader, en and zh",
    "inputs": "list of name, bytes, sha256, rows",
    "law_hash": "SHA-256 of the law the batch was decided with",
    "law_checked_until": "last day on which a value was compared with its source",
    "code_version": "version of Entrepot",
}

ELEMENT_NOTES: Mapping[str, str] = {
    "303": "Exports of 9610, 1210, 9710 and 9810, one document per order.",
    "603": "The same exports where the form is a list (A or B); none for a full declaration.",
    "621": "Retail imports of 9610, 1210 and 1239; all money in CNY.",
}

SENDER_KEYS: Mapping[str, str] = {
    "sendable": "true when the codes are real; false leaves “not ready to send” in every summary",
    "cop": "code and name of the company that transmits",
    "dxp_id": "client number of the transmission, at most 30 characters",
    "export_platform": "code and name of the platform of exports; code 无 for an overseas platform without one",
    "import_platform": "code and name of the platform of imports",
    "company": "e-commerce company where the line's own seller_id is no valid code",
    "owner": "producer or seller of exports; absent: the company itself",
    "agent": "declaring company",
    "area": "company in the special zone, for 1210 and 1239",
    "logistics": 'carrier name of the lines to code and name; "*" is any other carrier',
    "customs_code": "customs district where the line gives none, 4 digits",
    "port_code": "port of entry or exit, 4 digits",
    "traf_mode": "means of transport, 1 character",
    "wrap_type": "kind of packing, 1 character",
    "assure_code": "guarantee of the import tax",
    "ems_no": "account of the zone, for 1210 and 1239",
    "traf_no": "means of transport of direct imports",
    "voyage_no": "voyage or flight of direct imports",
    "bill_no": "bill of lading of direct imports",
    "loct_no": "supervised place",
    "note": "text put into every document",
    "pod": "3-digit country number to port of destination; absent: the country itself",
    "waybill_from_order": "true lets the order number stand for a missing waybill number",
}
"""Keys of a sender file, in the order of `Sender`."""
