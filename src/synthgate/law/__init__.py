"""What the law says: dated, cited rows, read from TOML into frozen models and hashed."""

from synthgate.law.applicability import Cell
from synthgate.law.book import Law, LawBook, load
from synthgate.law.rows import Row
from synthgate.law.toml_file import LawError

__all__ = ["Cell", "Law", "LawBook", "LawError", "Row", "load"]
