"""How times, sizes, policies and refusals are said to a guest. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edge.access_answers import AccessWhy
from edge.policies import Policy
from edge.store.access_visits import KEEP_DAYS

Say = Callable[..., str]
"""A key of portal/words.toml without its part, and its fields → the text."""
DAY_MS = 86_400_000
WHEN_MS = 14 * DAY_MS
"""A time that is further off than this is none that we told."""


def clock_time(at_ms: int, *, now_ms: int, timezone: str, say: Say) -> str:
    """`18:30`, `tomorrow 08:00`, `Monday 08:00`."""
    zone = ZoneInfo(timezone)
    then = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    days = (then.date() - datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()).days
    time = f"{then:%H:%M}"
    if days == 0:
        return time
    return f"{say('tomorrow') if days == 1 else say(f'day_{then.isoweekday()}')} {time}"


def span(ms: int, say: Say) -> str:
    """`1 h 05 min`, rounded to the next minute."""
    minutes = max(1, -(-ms // 60_000))
    hours, rest = divmod(minutes, 60)
    return say("span_hours", hours=hours, minutes=f"{rest:02d}") if hours else say("span_minutes", minutes=minutes)


def size(count: int) -> str:
    """`1.5 GB`, `300 MB`: of a thousand, as providers count."""
    return f"{count / 1e9:.1f} GB" if count >= 1_000_000_000 else f"{count / 1e6:.0f} MB"


def refusal(why: AccessWhy, again_ms: int | None, *, now_ms: int, timezone: str, say: Say) -> str:
    """Why not, and from when on."""
    if again_ms is not None and now_ms < again_ms < now_ms + WHEN_MS:
        return say(f"why_{why}") + say("again_at", when=clock_time(again_ms, now_ms=now_ms, timezone=timezone, say=say))
    return say(f"why_{why}")


def title_of(policy: Policy, lang: str) -> str:
    return policy.title_en if lang == "en" else policy.title_zh


def paragraphs_of(policy: Policy, lang: str) -> list[str]:
    text = policy.text_en if lang == "en" else policy.text_zh
    return [line.strip() for line in text.splitlines() if line.strip()]


def marketing_of(policy: Policy, lang: str) -> str:
    return policy.marketing_en if lang == "en" else policy.marketing_zh


def logged_of(policy: Policy, say: Say) -> str:
    """What is written down and how long: from the policy's data and the rules, not from its prose."""
    known = say("known", days=KEEP_DAYS)
    if not policy.log_days:
        return say("logs_nothing") + known
    what = say("logs_and").join([say("log_times"), *(say(f"log_{field}") for field in policy.logs.fields)])
    return say("logs", what=what, days=policy.log_days) + known
