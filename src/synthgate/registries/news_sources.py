"""Units that news may be reposted from (DSP Art. 6 para 2): ``facts.news_sources``, key source."""

from typing import Any

from synthgate.events.event import time_ms
from synthgate.events.facts import NewsSourceRow
from synthgate.registries.table import Table


class NewsSources(Table[NewsSourceRow]):
    """The source list. A row nobody can read lists nothing."""

    topic = "facts.news_sources"

    def version(self, source: str, as_of: int) -> str | None:
        """Version of the list that names a source at a time (Unix ms); None if none does."""
        row = self.permitted(source)
        if row is None or not row.listed or time_ms(row.listed_from) > as_of:
            return None
        if row.listed_until is not None and as_of >= time_ms(row.listed_until):
            return None
        return row.list_version

    def strictness(self, row: NewsSourceRow) -> tuple[Any, ...]:
        """Struck off is stricter."""
        return (not row.listed,)
