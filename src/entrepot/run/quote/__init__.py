"""Quotes: every way to trade one product on one day, what each costs and needs, and why each loses or is not allowed."""

from entrepot.run.quote.answer import Charge, Option, Quote
from entrepot.run.quote.describe import describe, describe_problems
from entrepot.run.quote.pinned import freeze, keep_law, law_of_hash, thaw
from entrepot.run.quote.quoting import prepare, quote, quote_many
from entrepot.run.quote.request import ASKED, FLAGS, Problem, QuoteRequest, read_requests

__all__ = [
    "ASKED", "FLAGS", "Charge", "Option", "Problem", "Quote", "QuoteRequest", "describe", "describe_problems", "freeze",
    "keep_law", "law_of_hash", "prepare", "quote", "quote_many", "read_requests", "thaw",
]
