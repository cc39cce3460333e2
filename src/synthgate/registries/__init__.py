"""Registries: what is known of users, subjects, templates and orders, as pure tables fed by topics."""

from synthgate.registries.copies import Registries
from synthgate.registries.table import UNREADABLE, Held, Unreadable

__all__ = ["UNREADABLE", "Held", "Registries", "Unreadable"]
