"""Debian's Chromium, and what a page is held to: names, roles, contrast, size, no motion. Our own checks."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

CHROMIUM = shutil.which("chromium") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
TALL = (1080, 1920)
WIDE = (1920, 1080)
PHONE = (390, 844)
SMALL = (360, 640)

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed (apt install chromium)")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(
    browser: Browser, url: str, size: tuple[int, int] = TALL, *, script: bool = True, language: str = "en-US"
) -> AsyncIterator[Page]:
    """A fresh browser profile with one page that can be touched; `language` is what the browser asks for.

    A script error, a blocked resource or a request to any other host fails the test.
    """
    viewport: ViewportSize = {"width": size[0], "height": size[1]}
    context = await browser.new_context(viewport=viewport, java_script_enabled=script, has_touch=True, locale=language)
    page = await context.new_page()
    wrong: list[str] = []
    here = urlsplit(url).netloc
    page.on("request", lambda asked: None if urlsplit(asked.url).netloc == here else wrong.append(asked.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        await page.goto(url)
        yield page
        assert wrong == []
    finally:
        await context.close()


async def flaws(page: Page, *, ratio: float = 4.5, target_px: int = 0) -> list[str]:
    """What is wrong with a page for people who see, reach, hear or type differently; empty: nothing found."""
    found: list[str] = await page.evaluate(CHECKS, {"ratio": ratio, "target": target_px})
    return found


CHECKS = r"""
({ratio, target}) => {
  const flaws = [];
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && !e.closest(".hidden-label");
  const name = (e) => (e.getAttribute("aria-label") || e.textContent || "").trim() ||
    (e.id && document.querySelector(`label[for="${e.id}"]`)?.textContent.trim()) || "";
  const tell = (e) => `${e.tagName.toLowerCase()}.${e.className.baseVal ?? e.className} «${name(e).slice(0, 24)}»`;

  // structure
  if (!document.documentElement.lang) flaws.push("html has no lang");
  if (!document.title) flaws.push("no title");
  if (document.querySelectorAll("main").length !== 1) flaws.push("not one main");
  if (document.querySelectorAll("main h1").length !== 1 && document.querySelector("main h2")) flaws.push("no h1");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) flaws.push(`id ${id} twice`);
  for (const e of document.querySelectorAll("img:not([alt])")) flaws.push(`no alt: ${e.src}`);
  for (const e of document.querySelectorAll("svg:not([aria-hidden], [role=img][aria-label])"))
    flaws.push("svg is read out");
  for (const e of document.querySelectorAll("ul > :not(li), ol > :not(li)")) flaws.push(`${tell(e)} in a list`);

  // controls
  for (const e of document.querySelectorAll("a, button, summary, input:not([type=hidden])")) {
    if (!shown(e)) continue;
    if (!name(e)) flaws.push(`no name: ${e.outerHTML.slice(0, 80)}`);
    if (e.tabIndex < 0) flaws.push(`not by keyboard: ${tell(e)}`);
    const box = e.getBoundingClientRect();
    if (box.height < target || box.width < target)
      flaws.push(`small target ${Math.round(box.width)}x${Math.round(box.height)}: ${tell(e)}`);
  }

  // contrast of each text on what is behind it; of a gradient, the worst of its colours
  const rgb = (text) => (text.match(/rgba?\([^)]+\)/g) || []).map((c) => c.match(/[\d.]+/g).map(Number));
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const against = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const grounds = (e) => {
    for (; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const image = rgb(style.backgroundImage).filter((c) => (c[3] ?? 1) > 0.9);
      if (image.length) return image;
      const plain = rgb(style.backgroundColor)[0];
      if (plain && (plain[3] ?? 1) > 0.9) return [plain];
    }
    return [[255, 255, 255]];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); ) {
    const e = node.parentElement;
    if (!node.textContent.trim() || !shown(e) || e.closest("template, script, style")) continue;
    const ink = rgb(getComputedStyle(e).color)[0];
    const worst = Math.min(...grounds(e).map((ground) => against(ink, ground)));
    if (worst < ratio) flaws.push(`contrast ${worst.toFixed(2)}: ${tell(e)}`);
  }

  // room and rest
  const view = document.getElementById("view");
  if (document.documentElement.scrollWidth > innerWidth + 1) flaws.push("the page is wider than the screen");
  if (view && view.scrollWidth > view.clientWidth + 1) flaws.push("the view is wider than the screen");
  const bar = document.querySelector(".bar");
  if (bar && bar.getBoundingClientRect().bottom > innerHeight + 1) flaws.push("the tools are below the screen");
  for (const e of document.querySelectorAll("button, .tool, .tile, .hit"))
    if (shown(e) && e.scrollWidth > e.clientWidth + 1) flaws.push(`text runs out: ${tell(e)}`);
  if (document.getAnimations().length) flaws.push("something moves");
  return [...new Set(flaws)];
}
"""
