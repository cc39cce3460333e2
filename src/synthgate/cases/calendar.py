"""Working days of the PRC: weekends, holidays and make-up days, published by the State Council each autumn.

The days are data of the package ``chinesecalendar`` (MIT). A year it does not hold yet counts Monday to Friday,
and ``missing`` says so.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from chinese_calendar.constants import holidays, workdays

SHANGHAI: Final = timezone(timedelta(hours=8))
_SATURDAY: Final = 5
WARN_FROM_MONTH: Final = 11
"""The coming year is published in October or November."""


@lru_cache(maxsize=1)
def years() -> frozenset[int]:
    """Years whose holidays are known."""
    return frozenset(day.year for day in holidays)


def is_working_day(day: date) -> bool:
    """Whether offices work on a day, make-up days among them."""
    if day.year not in years():
        return day.weekday() < _SATURDAY
    return day in workdays or (day.weekday() < _SATURDAY and day not in holidays)


def after_working_days(at_ms: int, count: int) -> int:
    """End of the count-th working day after the day of a moment (Asia/Shanghai), Unix ms."""
    day = datetime.fromtimestamp(at_ms / 1000, SHANGHAI).date()
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
    return round(end.astimezone(UTC).timestamp() * 1000) - 1


def lacking(now_ms: int) -> tuple[int, ...]:
    """This year and, late in the year, the next, if their holidays are not known."""
    today = datetime.fromtimestamp(now_ms / 1000, SHANGHAI).date()
    wanted = (today.year, today.year + 1) if today.month >= WARN_FROM_MONTH else (today.year,)
    return tuple(year for year in wanted if year not in years())


def missing(now_ms: int) -> str | None:
    """A sentence if ``lacking`` names a year."""
    named = lacking(now_ms)
    if not named:
        return None
    return (
        f"holidays of {', '.join(map(str, named))} are not known: deadlines in working days fall on"
        " Monday to Friday; install a newer chinesecalendar when the State Council has published them"
    )


def moment(at_ms: int) -> str:
    """RFC 3339 in UTC, ms."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def day(at_ms: int | None) -> str:
    """A day of Asia/Shanghai, for people; empty for None."""
    return (
        "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, SHANGHAI).date().isoformat()
    )
