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

function tell(place, problem) {
  const lines = [problem.detail, problem.value, problem.allowed && `${place.dataset.allowed} ${problem.allowed}`, problem.advice];
  place.replaceChildren(...lines.filter(Boolean).map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}

// What a form is answered that is shown once takes the page's place: to load it again would lose it.
function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
  document.title = page.title;
  document.querySelector("main").focus();
}

// Files that would not be taken are told before they are sent.
document.addEventListener("change", (event) => {
  const { most, bytes, tooMuch } = event.target.dataset;
  if (!tooMuch) return;
  const files = [...event.target.files];
  event.target.setCustomValidity(files.length > most || files.some((file) => file.size > bytes) ? tooMuch : "");
  event.target.reportValidity();
});

// A filter is applied as it is chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("form.filters select")) event.target.form.requestSubmit();
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

// Keys: j and k through rows, Enter into one, n to the next case, / to the search, g and a letter to a page.
let going = false;
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...document.querySelectorAll("main [data-row]")];
  const place = links.indexOf(document.activeElement);
  if (going) {
    going = false;
    document.querySelectorAll("nav[aria-label] a").forEach((link) => { if (link.pathname.split("/").pop().startsWith(event.key)) link.click(); });
  } else if (event.key === "g") going = true;
  else if (event.key === "j") links[Math.min(place + 1, links.length - 1)]?.focus();
  else if (event.key === "k") links[Math.max(place - 1, 0)]?.focus();
  else if (event.key === "n") document.querySelector("main [data-next]")?.click();
  else if (event.key === "/") { const search = document.querySelector("input[type=search]"); if (search) { event.preventDefault(); search.focus(); } }
});

// On a telephone the places are a strip: the one that is open is brought into view.
const strip = document.querySelector("nav[aria-label]");
const here = strip?.querySelector("[aria-current]");
if (here) {
  const [outer, inner] = [strip.getBoundingClientRect(), here.getBoundingClientRect()];
  strip.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

// Live: figures and alerts as the server tells them, to pages that show them.
if (document.body.dataset.live === "yes") {
  const stream = new EventSource("/console/stream");
  const text = (name, value) => document.querySelectorAll(`[data-live-figure="${name}"]`).forEach((place) => { place.textContent = value; });
  stream.addEventListener("figures", (event) => {
    for (const [name, value] of Object.entries(JSON.parse(event.data))) text(name, value);
  });
  const feed = document.querySelector("[data-live-feed]");
  stream.addEventListener("alerts", (event) => {
    if (!feed) return;
    for (const alert of JSON.parse(event.data)) {
      const known = feed.querySelector(`tr[data-id="${CSS.escape(alert.id)}"]`);
      const row = feed.querySelector("template").content.firstElementChild.cloneNode(true);
      row.dataset.id = alert.id;
      row.querySelectorAll("[data-field]").forEach((cell) => { cell.textContent = alert[cell.dataset.field]; });
      row.querySelectorAll("[data-to]").forEach((link) => { link.href = link.dataset.to.replace("{id}", encodeURIComponent(alert[link.dataset.of])); });
      known?.remove();
      feed.querySelector("tbody").prepend(row);
    }
    const rows = feed.querySelectorAll("tbody tr");
    for (let place = 200; place < rows.length; place += 1) rows[place].remove();
  });
}
