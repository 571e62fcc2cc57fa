"""Entrepot: foreign trade from end to end, every line decided under the law of its day."""

__version__ = "0.1.0"
