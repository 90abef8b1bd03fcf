// What pages do beyond HTML. Everything works without it, except what is live.
"use strict";

// Forms: sent without leaving the page, so that what was filled in stays where something is refused.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-act]") || event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  const answer = form.querySelector(".answer");
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const given = new FormData(form);
    if (event.submitter?.name) given.set(event.submitter.name, event.submitter.value);
    const found = await fetch(form.action, { method: "POST", body: given, headers: { Accept: "application/json" } });
    if (found.redirected) { location.assign(found.url); return; }
    const type = found.headers.get("content-type") || "";
    if (found.ok && type.includes("html")) { show(await found.text()); return; }
    if (!type.includes("json")) throw new TypeError(type);
    const said = await found.json();
    if (said.then) { location.assign(said.then); return; }
    tell(answer, said.problem);
  } catch {
    tell(answer, { detail: answer.dataset.failed });
  }
  buttons.forEach((button) => { button.disabled = false; });
});

// What acts on ticked rows is told at once where none is.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.chosen || form.querySelector(`input[name="${form.dataset.chosen}"]:checked`)) return;
  event.preventDefault();
  tell(form.querySelector(".answer"), { detail: form.dataset.none });
});

function tell(place, problem) {
  delete place.closest("form").dataset.sent; // it stays here, then
  document.querySelector(".said")?.remove(); // of the act before: beside a refusal it would seem to be of this one
  const lines = [problem.detail, problem.value, problem.allowed && `${place.dataset.allowed} ${problem.allowed}`, problem.advice];
  place.replaceChildren(...lines.filter(Boolean).map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  if (problem.status === 412) { // what was seen is no more
    const again = Object.assign(document.createElement("a"), { href: location.href, className: "button", textContent: place.dataset.again });
    again.addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
    place.append(again);
  }
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}

// The line of a problem is chosen where it is mended; without this its link leads to the numbered listing.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  const place = document.querySelector("textarea.code");
  if (!link || !place) return;
  event.preventDefault();
  const lines = place.value.split("\n");
  const before = lines.slice(0, link.dataset.line - 1);
  const begin = before.join("\n").length + (before.length ? 1 : 0);
  place.focus();
  place.setSelectionRange(begin, begin + (lines[before.length] ?? "").length);
  place.scrollTop = before.length * parseFloat(getComputedStyle(place).lineHeight) - place.clientHeight / 2;
  place.scrollIntoView({ block: "nearest" });
});

// What a form is answered that is shown once takes the page's place: to load it again would lose it.
function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
  document.title = page.title;
  document.querySelector("main").focus();
}

// A file that is taken answers what the page is about: the page itself does not hear of it, and says so.
document.querySelectorAll("[data-answers]").forEach((place) => place.addEventListener("click", (event) => {
  const said = place.parentElement.querySelector("[role=status][hidden]");
  if (said && event.target.matches("a")) said.hidden = false;
}));

// What was written and is kept nowhere is not left without the browser's question.
const draft = document.querySelector("form[data-unsaved]");
if (draft) {
  draft.addEventListener("submit", () => { draft.dataset.sent = "yes"; });
  addEventListener("beforeunload", (event) => {
    const written = [...draft.querySelectorAll("textarea")].some((text) => text.value !== text.defaultValue);
    if (!draft.dataset.sent && (written || draft.dataset.unsaved === "yes")) event.preventDefault();
  });
}

// Files that would not be taken are told before they are sent.
document.addEventListener("change", (event) => {
  const { most, bytes, tooMuch } = event.target.dataset;
  if (!tooMuch) return;
  const files = [...event.target.files];
  event.target.setCustomValidity(files.length > most || files.some((file) => file.size > bytes) ? tooMuch : "");
  event.target.reportValidity();
});

// One box ticks all of its name.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) {
    document.querySelectorAll(`input[name="${event.target.dataset.all}"]`).forEach((box) => { box.checked = event.target.checked; });
  }
});

// What-if: the slider shows the row of a table that the page holds.
document.querySelectorAll("[data-slider]").forEach((slider) => {
  const rows = document.querySelectorAll(`#${slider.dataset.slider} tbody tr`);
  const show = () => {
    rows.forEach((row, place) => { row.hidden = place !== Number(slider.value); });
    slider.setAttribute("aria-valuetext", rows[slider.value]?.cells[0].textContent.trim() ?? "");
    document.querySelectorAll("[data-slider-mark]").forEach((mark) => {
      mark.setAttribute("x1", mark.dataset.width * slider.value / Math.max(rows.length - 1, 1));
      mark.setAttribute("x2", mark.dataset.width * slider.value / Math.max(rows.length - 1, 1));
    });
  };
  slider.addEventListener("input", show);
  show();
});

// Keys: j and k through rows, Enter into one, n to the next case, d to what one may do, / to the search, g and a letter to a page.
let going = false;
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...document.querySelectorAll("main [data-row]")];
  const place = links.indexOf(document.activeElement);
  if (going) {
    going = false;
    document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") going = true;
  else if (event.key === "j") links[Math.min(place + 1, links.length - 1)]?.focus();
  else if (event.key === "k") links[Math.max(place - 1, 0)]?.focus();
  else if (event.key === "n") document.querySelector("main [data-next]")?.click();
  else if (event.key === "d") { const first = firstAct(); if (first) { event.preventDefault(); first.focus(); } }
  else if (event.key === "/") { const search = document.querySelector("input[type=search]"); if (search) { event.preventDefault(); search.focus(); } }
});

// Where one goes on: to claim, else to the words, else to what there is; the next case is another key.
function firstAct() {
  const acts = document.querySelector("[data-acts]")?.parentElement;
  return acts && (acts.querySelector("form.one .first") ?? acts.querySelector("form:not(.one) :is(textarea, select)") ?? acts.querySelector("button"));
}

// On a telephone the places are a strip: the one that is open is brought into view.
const strip = document.querySelector("nav[aria-label]");
const here = strip?.querySelector("[aria-current]");
if (here) {
  const [outer, inner] = [strip.getBoundingClientRect(), here.getBoundingClientRect()];
  strip.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

// Live: figures and alerts as the server tells them, to pages that show them.
if (document.body.dataset.live === "yes") {
  const bars = [...document.querySelectorAll("[data-live-bar]")]; // of pages that show what waits, which costs a count
  const stream = new EventSource(bars.length ? "/console/stream?waiting" : "/console/stream");
  const text = (name, value) => document.querySelectorAll(`[data-live-figure="${name}"]`).forEach((place) => {
    place.textContent = value;
    place.closest("[data-live-some]")?.toggleAttribute("hidden", value === "0");
  });
  stream.addEventListener("figures", (event) => {
    for (const [name, value] of Object.entries(JSON.parse(event.data))) text(name, value);
    const amounts = bars.map((place) => Number(place.textContent.replaceAll(",", "")));
    bars.forEach((place, number) => {
      const bar = place.parentElement.querySelector(".bar");
      bar.setAttribute("aria-label", place.textContent);
      bar.querySelector(".fill").setAttribute("width", 100 * amounts[number] / Math.max(...amounts, 1));
    });
  });
  stream.addEventListener("clocks", (event) => {
    for (const [name, clock] of Object.entries(JSON.parse(event.data))) {
      document.querySelectorAll(`[data-live-clock="${name}"]`).forEach((place) => place.replaceChildren(shownClock(clock)));
    }
  });
  const newest = document.querySelector("[data-live-newest]");
  if (newest) stream.addEventListener("newest", (event) => listedNewest(newest, JSON.parse(event.data)));
  const feed = document.querySelector("[data-live-feed]");
  if (feed) stream.addEventListener("alerts", (event) => JSON.parse(event.data).forEach((alert) => listed(feed, alert)));
}

// How far away a clock is; a dash where there is none.
function shownClock(clock) {
  const { at, text, title, kind } = clock;
  return at ? Object.assign(document.createElement("time"), { dateTime: at, title, className: kind, textContent: text }) : text;
}

// The newest alerts that are open, as a whole; it stands still while somebody is about to open one.
function listedNewest(list, alerts) {
  if (list.matches(":hover, :focus-within")) return;
  const pattern = list.querySelector("template");
  const before = new Set([...list.querySelectorAll("[data-id]")].map((row) => row.dataset.id));
  const rows = alerts.map((alert) => {
    const row = pattern.content.firstElementChild.cloneNode(true);
    addressed(row, alert);
    worded(row, alert);
    row.classList.toggle("new", !before.has(alert.id));
    return row;
  });
  list.replaceChildren(pattern, ...rows);
  list.nextElementSibling.hidden = rows.length > 0;
}

// An alert in the feed: only where the page asks for such ones; a row that is known keeps its place, its tick and its focus.
function listed(feed, alert) {
  const wanted = Object.entries(JSON.parse(feed.dataset.wanted));
  const fresh = feed.querySelector("template").content.querySelector("tr").cloneNode(true);
  let row = feed.querySelector(`tbody tr[data-id="${CSS.escape(alert.id)}"]`);
  if (!row && !wanted.every(([name, value]) => !value || alert[name] === value)) return;
  addressed(fresh, alert);
  if (!row) {
    row = fresh;
    feed.querySelector("tbody").prepend(row);
  } else if (row.dataset.status !== "open") { // it was acknowledged, and is open again
    row.dataset.status = "open";
    const cells = fresh.querySelectorAll("[data-of-status]");
    row.querySelectorAll("[data-of-status]").forEach((cell, place) => cell.replaceWith(cells[place]));
  }
  const words = JSON.parse(feed.dataset.words);
  row.querySelector("[data-rules]").textContent = alert.rules.map((name) => words[name] || name.replaceAll("_", " ")).join(feed.dataset.between);
  worded(row, alert);
  row.classList.remove("new");
  void row.offsetWidth; // so that it is shown anew as new
  row.classList.add("new");
  feed.closest("form").querySelectorAll(".empty, button").forEach((each) => { each.hidden = each.matches(".empty"); });
  const idle = (old) => !old.contains(document.activeElement) && !old.querySelector(":checked");
  [...feed.querySelectorAll("tbody tr")].slice(200).filter(idle).forEach((old) => old.remove());
}

// What a row says of its alert.
function worded(row, alert) {
  row.querySelector("[data-row]").textContent = alert.words.trigger;
  Object.assign(row.querySelector(".tag"), { className: `tag ${alert.severity}`, textContent: alert.words.severity });
  Object.assign(row.querySelector("time"), { dateTime: alert.at, title: alert.at, textContent: alert.words.at });
  Object.assign(row.querySelector("[data-hits]"), { textContent: `×${alert.hits}`, hidden: alert.hits < 2 });
}

// Whose a row is, where its links lead and what its box stands for.
function addressed(row, alert) {
  row.dataset.id = alert.id;
  const [link, account, box] = ["[data-row]", ".id", "input"].map((part) => row.querySelector(part));
  link.setAttribute("href", `/console/alerts/${alert.id}`);
  account.textContent = alert.account_id;
  if (account.matches("a")) account.setAttribute("href", `/console/accounts/${encodeURIComponent(alert.account_id)}`);
  if (!box) return;
  box.setAttribute("value", alert.id);
  box.setAttribute("aria-label", box.getAttribute("aria-label").replace(/-$/, alert.account_id));
}
