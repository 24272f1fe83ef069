// The status page renews its middle every five seconds while somebody looks at it. Without this file it still
// renews as a whole (a meta refresh), so nothing depends on it.
const main = document.querySelector("[data-refresh]");
const EVERY_MS = 5000;

async function renew() {
  if (document.hidden) return;
  try {
    const address = new URL(location.href);
    address.searchParams.set("part", "1");
    const answer = await fetch(address, { signal: AbortSignal.timeout(EVERY_MS) });
    if (answer.redirected) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    const open = [...main.querySelectorAll("details[open]")].map((each) => each.id);
    const held = main.contains(document.activeElement) ? document.activeElement.closest("details")?.id : "";
    main.innerHTML = await answer.text();
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (held) document.querySelector(`#${held} summary`)?.focus({ preventScroll: true });
    main.removeAttribute("aria-busy");
  } catch {
    main.setAttribute("aria-busy", "true"); // greyed: what stands there is old
  }
}

setInterval(renew, EVERY_MS);
document.addEventListener("visibilitychange", renew);
