"""Numbers of the status page as people say them: ages, sizes, local times, findings."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edge.board import Problem
from edge.status.findings import Finding
from edge.status.gather import Status
from edge.web.words import Words, short

UNITS = ((24 * 3600, "days"), (3600, "hours"), (60, "minutes"))


class Wording:
    def __init__(self, words: Words, language: str, timezone: str) -> None:
        self._words = words
        self.language = language
        self._zone = ZoneInfo(timezone)

    def say(self, key: str, **fields: object) -> str:
        return self._words.say(f"admin.{key}", self.language, **fields)

    def span(self, seconds: float) -> str:
        """`3 分钟`, `3 min`: one unit is enough."""
        for size, unit in UNITS:
            if seconds >= size * 1.5:
                return self.say(f"span_{unit}", count=round(seconds / size))
        return self.say("span_seconds", count=round(seconds))

    def ago(self, seconds: float | None) -> str:
        if seconds is None:
            return self.say("never")
        return self.say("just_now") if seconds < 5 else self.say("ago", span=self.span(seconds))

    def size(self, count: float) -> str:
        """Bytes."""
        for unit in ("B", "kB", "MB", "GB"):
            if count < 1000 or unit == "GB":
                return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
            count /= 1000
        raise AssertionError

    def time(self, at_ms: int, form: str = "%H:%M") -> str:
        """Local to the shop."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._zone).strftime(form)

    def finding(self, finding: Finding) -> str:
        return self.say(f"finding_{finding.code}", **self._fields(finding))

    def next_step(self, finding: Finding) -> str:
        """A service knows its own."""
        hint = finding.fields.get("hint")
        return str(hint) if hint else self.say(f"finding_{finding.code}_do", **self._fields(finding))

    def problem(self, problem: Problem) -> tuple[str, str]:
        """What went wrong and the next step; as it was told, where there are no words for it."""
        kinds = [kind for kind in ("problem", "finding") if f"admin.{kind}_{problem.code}" in self._words]
        if not kinds:
            return problem.text, problem.hint
        key, fields, next_key = f"{kinds[0]}_{problem.code}", dict(problem.fields), ""
        if f"admin.{key}_do" in self._words:
            next_key = f"{key}_do"
        if refusal := fields.get("refusal"):
            next_key = f"finding_refusing_{refusal}_do"
            fields["refusal"] = self.say(f"finding_refusing_{refusal}")
        return self.say(key, **fields), self.say(next_key, **fields) if next_key else problem.hint

    def zone(self, status: Status, zone: str) -> str:
        """Its name, or its id where it has no document."""
        names = status.zone_names.get(zone, (zone, zone))
        return names[1 if short(self.language) == "en" else 0]

    def named(self, family: str, word: str) -> str:
        """`way sms`, `why full`: in the reader's words, or as it stands where there are none."""
        key = f"wifi_{family}_{word}"
        return self.say(key) if f"admin.{key}" in self._words else word

    def service(self, name: str) -> str:
        """A root task: `scanner dock-1` is family and id, the others have names of their own."""
        family, _, device = name.partition(" ")
        if f"admin.kind_{family}" in self._words and device:
            return f"{self.say(f'kind_{family}')} {device}"
        key = "service_" + name.replace(" ", "_")
        return self.say(key) if f"admin.{key}" in self._words else name

    def _fields(self, finding: Finding) -> dict[str, str | int]:
        fields = {name: value for name, value in finding.fields.items() if name != "hint"}
        if "span" in fields:
            fields["span"] = self.span(int(fields["span"]))
        if finding.code == "service":
            fields["name"] = self.service(str(fields["name"]))
        return fields
