"""Deadline reminder service: watches a ledger of measures and reminds the units that own them."""

__version__ = "0.1.0"
