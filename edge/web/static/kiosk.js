// One kiosk screen. The daemon knows what it shows; here is only what a browser must do itself: touches, keys,
// the countdown, the live line. Nothing is stored, and no step is added to the history.

const root = document.getElementById("kiosk");
const view = document.getElementById("view");
const still = document.getElementById("still");
const { at } = root.dataset;
const idleS = Number(root.dataset.idle);
const warnS = Number(root.dataset.warn);
const BEAT_MS = 10000;
const RETRY_MS = [300, 700, 1500, 3000, 6000, 10000];

let visit = root.dataset.visit;
let touchedAt = performance.now();
let asking = null; // AbortController of the fetch under way
let pending = 0; // requests under way: the live line may tell of the visit they begin before their answer does
let typing = 0; // timer of the search that waits for the next letter
let resting = false; // cleared while the daemon was gone

history.scrollRestoration = "manual";

const now = () => performance.now();
const idle = () => (now() - touchedAt) / 1000;
const busy = () => visit.includes("-"); // the daemon's word for an open visit
const field = () => document.getElementById("q");
const anew = () => location.replace(at);

// --- asking the daemon ------------------------------------------------------------------------------

async function ask(url, options = {}) {
  pending += 1;
  try {
    const response = await fetch(url, { ...options, headers: { "X-Part": "1" }, cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    visit = response.headers.get("X-Visit") || visit;
    return await response.text();
  } finally {
    pending -= 1;
  }
}

function post(path, values, signal) {
  return ask(at + path, { method: "POST", body: new URLSearchParams(values), signal });
}

async function open(url) {
  asking?.abort();
  clearTimeout(typing);
  const mine = (asking = new AbortController());
  try {
    const html = await ask(url, { signal: mine.signal });
    if (!mine.signal.aborted) show(html);
  } catch (error) {
    if (error.name !== "AbortError") gone(true);
  }
}

async function search() {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const html = await post("/search", { q: field().value }, mine.signal);
    const hits = document.getElementById("hits");
    if (mine.signal.aborted || !hits) return;
    hits.innerHTML = html;
    if (hits.querySelector("[data-view]")) return show(html); // no hits but a notice: the field and what it holds go
    hits.scrollTop = 0;
    settle(hits);
  } catch (error) {
    if (error.name !== "AbortError") gone(true);
  }
}

// --- showing ----------------------------------------------------------------------------------------

function show(html) {
  view.innerHTML = html;
  view.scrollTop = 0;
  settle(view);
  if (field() && matchMedia("(min-width: 600px)").matches) field().inputMode = "none"; // our keys, not the system's
  (field() && matchMedia("(min-width: 600px)").matches ? field() : view).focus({ preventScroll: true });
}

// What a fragment carries beside what is seen: words for screen readers, words for the row above the keys.
function settle(part) {
  const said = part.querySelector("[data-say]");
  if (said) document.getElementById("said").textContent = said.dataset.say;
  const row = document.getElementById("candidates");
  const words = part.querySelector("[data-candidates]")?.dataset.candidates;
  if (!row || words === undefined) return;
  row.replaceChildren(
    ...words.split("\n").filter(Boolean).map((word) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "candidate";
      button.dataset.word = word;
      button.textContent = word;
      return button;
    }),
  );
}

function gone(yes) {
  document.getElementById("gone").hidden = !yes;
}

// --- typing -----------------------------------------------------------------------------------------

function type(key) {
  const input = field();
  if (!input) return;
  if (key === "clear") input.value = "";
  else if (key === "back") input.value = Array.from(input.value).slice(0, -1).join("");
  else if (input.value.length < input.maxLength) input.value += key;
  soon();
}

function soon() {
  clearTimeout(typing);
  typing = setTimeout(search, 40);
}

let early = ""; // typed before the field was there

async function typeAnywhere(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, dialog")) return;
  if (event.key === "Escape" && busy()) return open(`${at}/start`);
  if (event.key.length !== 1 || (event.key === " " && event.target.closest("button, a"))) return;
  event.preventDefault();
  if (field()) return type(event.key);
  early += event.key;
  if (early.length > 1) return; // the first letter opens the field, the others wait for it
  await open(`${at}/start`);
  const letters = early;
  early = "";
  for (const letter of letters) type(letter);
}

// --- the end of a visit -------------------------------------------------------------------------------

async function finish(reason) {
  asking?.abort();
  if (still.open) still.close();
  view.replaceChildren(document.getElementById("rest").content.cloneNode(true)); // first of all, nothing is seen
  try {
    await post("/finish", { reason });
    anew();
  } catch {
    resting = true;
    visit = "";
    gone(true);
  }
}

function touch() {
  touchedAt = now();
  if (still.open) {
    still.close();
    post("/stay", {}).catch(() => gone(true));
  }
}

setInterval(() => {
  if (!busy()) return;
  const alone = view.querySelector("[data-view=attract]"); // only a wish was made: nothing to lose, nothing to ask
  const left = Math.ceil(idleS + (alone ? 0 : warnS) - idle());
  if (left <= 0) {
    finish("idle");
    visit = "";
  } else if (left <= warnS && !alone) {
    if (!still.open) still.showModal();
    document.getElementById("count").textContent = left;
  }
}, 250);

// --- the live line ------------------------------------------------------------------------------------

let socket = null;
let tries = 0;
let heardAt = 0;
let doubted = false; // word of another visit may be older than ours, which began meanwhile: it is asked for again

const beat = () => socket.send(JSON.stringify({ idle_s: Math.round(idle()) }));

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${at}/live`);
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = () => {
    gone(true);
    const wait = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
    tries += 1;
    setTimeout(connect, wait * (0.75 + Math.random() / 2));
  };
}

function hear(message) {
  heardAt = now();
  tries = 0;
  gone(false);
  if (message.reload || resting) return anew();
  if (message.view !== undefined) {
    visit = message.visit;
    touchedAt = now();
    asking?.abort();
    clearTimeout(typing);
    if (still.open) still.close();
    return show(message.view);
  }
  if (message.visit !== visit && !pending) {
    if (doubted) return anew();
    doubted = true;
    return beat();
  }
  doubted = false;
  const banner = document.getElementById("offline");
  banner.hidden = !message.offline;
  if (banner.textContent !== message.offline) banner.textContent = message.offline;
}

setInterval(() => {
  if (socket?.readyState !== WebSocket.OPEN) return;
  if (heardAt && now() - heardAt > 2.5 * BEAT_MS) return socket.close();
  beat();
}, BEAT_MS);

// --- the code that phones type to shake: another one when it is over ------------------------------------

setInterval(async () => {
  const code = view.querySelector("[data-left-ms]");
  if (!code) return;
  code.overAt ??= now() + Number(code.dataset.leftMs);
  if (now() < code.overAt) return;
  code.overAt = now() + BEAT_MS; // if this one fails
  const html = await ask(`${at}/shake-code`).catch(() => null);
  if (html !== null && code.isConnected) code.outerHTML = html;
}, 500);

// --- events, all in one place -------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const target = event.target;
  const link = target.closest("[data-open]");
  const key = target.closest("[data-key]");
  const word = target.closest("[data-word]");
  if (target.closest("[data-end]")) finish("finish");
  else if (link) {
    event.preventDefault();
    open(link.getAttribute("href"));
  } else if (key) type(key.dataset.key);
  else if (word && field()) {
    field().value = word.dataset.word;
    search();
  } else if (target.closest("[data-view=attract]")) open(`${at}/start`);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.id === "ask") search();
  else if ("finish" in form.dataset) finish("finish");
  else post("/wish", Object.fromEntries(new FormData(form))).then(anew, () => gone(true));
});

document.addEventListener("input", (event) => event.target.id === "q" && soon());
document.addEventListener("keydown", typeAnywhere);
document.addEventListener("contextmenu", (event) => event.preventDefault());
still.addEventListener("cancel", touch);
for (const kind of ["pointerdown", "keydown", "wheel"]) {
  // the end button ends; every other touch, also beside the dialog, is a yes
  document.addEventListener(kind, (event) => event.target.closest?.("[data-end]") || touch(), { passive: true });
}
document.addEventListener("error", (event) => event.target.tagName === "IMG" && event.target.remove(), true); // then our own picture shows
addEventListener("pageshow", (event) => event.persisted && anew());

settle(view);
if (field() && matchMedia("(min-width: 600px)").matches) field().inputMode = "none";
connect();
