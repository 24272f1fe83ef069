// Shaking: the button's form, sent without leaving the page, and the same by moving the phone once that was allowed.
// Without this script the form does all of it. Nothing is stored: a captive mini-browser has no room for it.

const root = document.getElementById("shake");
const said = document.getElementById("shaking");
const motion = document.getElementById("motion");
const sense = document.getElementById("sense");
const sensed = document.getElementById("sensed");
const words = document.getElementById("words").dataset;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const SUSPENSE_MS = 700;
const REST_MS = 1500; // after an answer: the phone still moves
const SWING = 8; // m/s² beside gravity; who walks makes 3
const SWINGS = 3; // there, back, there: within…
const WINDOW_MS = 1000;

let busy = false;
let restUntil = 0;

// --- a shake ------------------------------------------------------------------------------------------

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const buzz = (pattern) => !still.matches && navigator.vibrate?.(pattern);

function salt() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(form) {
  const fields = new URLSearchParams(new FormData(form));
  if (!fields.get("salt")) fields.set("salt", salt());
  const response = await fetch(form.action, { method: "POST", body: fields, headers: { "X-Part": "1" }, cache: "no-store" });
  if (!response.headers.has("X-Shake")) throw new Error(String(response.status));
  return { html: await response.text(), outcome: response.headers.get("X-Shake") };
}

async function shake() {
  const form = root.querySelector("form");
  if (busy) return;
  busy = true;
  root.classList.remove("fresh");
  root.classList.add("busy");
  root.querySelector("button").setAttribute("aria-disabled", "true");
  said.textContent = words.wait;
  buzz([40, 60, 40]);
  try {
    const least = wait(still.matches ? 0 : SUSPENSE_MS);
    let answer = await ask(form);
    if (answer.outcome === "nonce_unknown") answer = await ask(swap(answer.html)); // the page was open for long
    await least;
    show(answer.html);
  } catch {
    said.textContent = "";
    note(words.gone);
  } finally {
    busy = false;
    restUntil = performance.now() + REST_MS;
    root.classList.remove("busy");
    root.querySelector("button").removeAttribute("aria-disabled");
  }
}

function swap(html) {
  root.innerHTML = html;
  const form = root.querySelector("form");
  document.getElementById("commit").textContent = form.dataset.commit;
  return form;
}

function show(html) {
  const pressed = root.contains(document.activeElement);
  const form = swap(html);
  root.classList.add("fresh");
  said.textContent = form.dataset.said;
  document.getElementById("no")?.removeAttribute("role"); // it was just said
  if (form.dataset.won) buzz([80, 50, 80, 50, 200]);
  if (pressed) form.querySelector("button").focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: still.matches ? "auto" : "smooth" });
}

function note(text) {
  document.getElementById("no")?.remove();
  const made = document.createElement("p");
  made.id = "no";
  made.className = "guest-note";
  made.setAttribute("role", "alert");
  made.textContent = text;
  root.querySelector("form").before(made);
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  shake();
});

// --- moving the phone -----------------------------------------------------------------------------------

let gravity = null; // what stays while the rest changes
let peak = null;
let swings = [];
let heard = false;

function moved(event) {
  const { x, y, z } = event.accelerationIncludingGravity ?? {};
  if (x === null || x === undefined) return;
  heard = true;
  gravity ??= { x, y, z };
  const push = { x: x - gravity.x, y: y - gravity.y, z: z - gravity.z };
  for (const axis of ["x", "y", "z"]) gravity[axis] += push[axis] / 20;
  const now = performance.now();
  if (Math.hypot(push.x, push.y, push.z) < SWING || busy || now < restUntil || document.hidden) return;
  const back = !peak || push.x * peak.x + push.y * peak.y + push.z * peak.z < 0;
  peak = push;
  if (!back) return; // still the same swing
  swings = [...swings.filter((at) => now - at < WINDOW_MS), now];
  if (swings.length < SWINGS) return;
  swings = [];
  shake();
}

function sensing(on, text = "") {
  sense.setAttribute("aria-pressed", String(on));
  sensed.textContent = text;
  removeEventListener("devicemotion", moved);
  if (on) addEventListener("devicemotion", moved);
}

async function allow() {
  if (sense.getAttribute("aria-pressed") === "true") return sensing(false);
  if (!isSecureContext || typeof DeviceMotionEvent === "undefined") {
    document.getElementById("secure").parentElement.hidden = isSecureContext || !root.dataset.secureUrl;
    return sensing(false, isSecureContext ? words.none : words.insecure);
  }
  try {
    const answer = await DeviceMotionEvent.requestPermission?.(); // iOS asks; others have no question
    if (answer && answer !== "granted") return sensing(false, words.denied);
  } catch {
    return sensing(false, words.denied);
  }
  heard = false;
  sensing(true, words.on);
  await wait(2500);
  if (!heard && sense.getAttribute("aria-pressed") === "true") sensing(false, words.none);
}

sense.addEventListener("click", allow);
motion.hidden = false;
