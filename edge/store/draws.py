"""Draws: who may take part, what a seed comes to, and what was tried and won.

A seed rolls `chance.roll(seed, "draw/<id of the draw>", 1,000,000)`; the first prize whose chance, added to those
before it, is above that is won. Wins are kept for ever, as the coupons that they are; tries for a day.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from edge import chance
from edge.shake_answers import WhyEmpty
from edge.shop import Draw
from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE draw_try (
  day TEXT NOT NULL, draw TEXT NOT NULL, shopper TEXT NOT NULL, tries INTEGER NOT NULL,
  PRIMARY KEY (day, draw, shopper)
) WITHOUT ROWID;
CREATE TABLE draw_win (
  draw TEXT NOT NULL, shopper TEXT NOT NULL, wins INTEGER NOT NULL, PRIMARY KEY (draw, shopper)
) WITHOUT ROWID;
CREATE TABLE draw_day (
  draw TEXT NOT NULL, day TEXT NOT NULL, wins INTEGER NOT NULL, PRIMARY KEY (draw, day)
) WITHOUT ROWID;
"""


class Wins(NamedTuple):
    of_shopper: int
    of_day: int
    in_all: int


class Win(NamedTuple):
    campaign: str
    roll_ppm: int
    below_ppm: int


def won_in(draw: Draw, seed: str) -> Win | None:
    """The prize a seed comes to, whether or not there is one to give."""
    roll, below = chance.roll(seed, f"draw/{draw.id}", chance.MILLION), 0
    for prize in draw.prizes:
        below += prize.chance_ppm
        if roll < below:
            return Win(prize.campaign, roll, below)
    return None


def limit(db: Rows, draw: Draw | None, *, shopper: str, at_ms: int, day: date) -> WhyEmpty | None:
    """Why a shopper can't take part; None: they can. A draw whose document is gone is closed."""
    if draw is None or not draw.on or not draw.starts_ms <= at_ms <= draw.ends_ms:
        return WhyEmpty.DRAW_CLOSED
    if 0 < draw.tries_per_shopper_day <= tries(db, draw.id, shopper, day):
        return WhyEmpty.TRIES_USED
    have = wins(db, draw.id, shopper, day)
    if 0 < draw.wins_per_shopper <= have.of_shopper:
        return WhyEmpty.WINS_USED
    if 0 < draw.wins <= have.in_all or 0 < draw.wins_per_day <= have.of_day:
        return WhyEmpty.SOLD_OUT
    return None


def tries(db: Rows, draw: str, name: str, day: date) -> int:
    row = db.execute(
        "SELECT tries FROM draw_try WHERE day = ? AND draw = ? AND shopper = ?", (str(day), draw, name)
    ).fetchone()
    return 0 if row is None else int(row[0])


def count_try(db: Rows, draw: str, name: str, day: date) -> None:
    db.execute(
        "INSERT INTO draw_try VALUES (?, ?, ?, 1) ON CONFLICT (day, draw, shopper) DO UPDATE SET tries = tries + 1",
        (str(day), draw, name),
    )


def wins(db: Rows, draw: str, name: str, day: date) -> Wins:
    row = db.execute(
        "SELECT (SELECT wins FROM draw_win WHERE draw = ?1 AND shopper = ?2),"
        " (SELECT wins FROM draw_day WHERE draw = ?1 AND day = ?3), (SELECT sum(wins) FROM draw_day WHERE draw = ?1)",
        (draw, name, str(day)),
    ).fetchone()
    return Wins(*(each or 0 for each in row))


def count_win(db: Rows, draw: str, name: str, day: date) -> None:
    db.execute(
        "INSERT INTO draw_win VALUES (?, ?, 1) ON CONFLICT (draw, shopper) DO UPDATE SET wins = wins + 1", (draw, name)
    )
    db.execute(
        "INSERT INTO draw_day VALUES (?, ?, 1) ON CONFLICT (draw, day) DO UPDATE SET wins = wins + 1", (draw, str(day))
    )


def forget(db: Rows, *, today: date, limit: int) -> None:
    """Tries of days before yesterday, at most so many."""
    db.execute(
        "DELETE FROM draw_try WHERE (day, draw, shopper) IN"
        " (SELECT day, draw, shopper FROM draw_try WHERE day < ? LIMIT ?)",
        (str(today - timedelta(days=1)), limit),
    )
