// The review page: which episodes there are, what one looks like, and what a person thinks of it.
import { Bar, Chart, COLOURS } from "./curves.js";
import { ask, by, editingLink, text } from "./page.js";

const bar = new Bar(by("bar"));
let dataset = null, episode = null, charts = [], playing = null;
let wanted = -1; // the episode that was asked for last; answers about others come too late

const link = editingLink(reload);

const shown = () => {
  const wanted = by("filter").value;
  return dataset.episodes.filter((e) => !wanted || (wanted === "unseen" ? !e.reviewed : e.outcome === wanted));
};

function listEpisodes() {
  by("episodes").replaceChildren(...shown().map((e) => {
    const item = document.createElement("li"), mark = document.createElement("span"), more = document.createElement("span");
    const good = { success: "good", failure: "bad" }[e.outcome] || "warn";
    item.dataset.number = e.number;
    item.title = e.instruction;
    item.className = episode && e.number === episode.number ? "open" : "";
    mark.className = good;
    mark.textContent = e.outcome;
    more.className = "soft";
    more.textContent = `${e.steps} steps${e.missing ? `, ${e.missing} missing` : ""}${e.reviewed ? " ✓" : ""}`;
    item.append(`${e.number}`, mark, more);
    item.addEventListener("click", () => open(e.number));
    return item;
  }));
}

async function reload() {
  const found = await ask("dataset");
  if (!found) return;
  dataset = found;
  text("root", dataset.root);
  const seen = dataset.episodes.filter((e) => e.reviewed).length;
  text("summary", `${dataset.episodes.length} episodes, ${seen} reviewed, version ${dataset.version}`);
  by("undo").disabled = !dataset.undoable;
  by("undo").title = dataset.undoable;
  const numbers = shown().map((e) => e.number), now = wanted;
  const next = numbers.includes(now) ? now : numbers.find((n) => n > now) ?? numbers.at(-1);
  if (next === undefined) { episode = null; clear(); listEpisodes(); } else await open(next);
}

function clear() {
  text("title", "no episode");
  text("facts", "");
  for (const id of ["cameras", "curves"]) by(id).replaceChildren();
}

async function open(number) {
  wanted = number;
  const found = await ask(`episode?number=${number}`);
  if (!found || wanted !== number) return;
  const same = episode && episode.number === number && episode.steps === found.steps;
  episode = found;
  text("title", `episode ${number}: ${episode.outcome}`);
  const { late = 0, missing = 0 } = episode.timing, { instruction = "", ...meta } = episode.meta;
  const facts = Object.entries(meta).map(([name, value]) => `${name} ${value}`);
  text("facts", [`${episode.steps} steps, ${late} late, ${missing} missing`, ...facts].join(" · "));
  if (document.activeElement !== by("instruction")) by("instruction").value = instruction;
  by("row").max = episode.steps;
  cameras();
  charts = episode.curves.map((chart) => new Chart(chart, episode.steps));
  by("curves").replaceChildren(...charts.map((chart) => chart.figure));
  charts.forEach((chart) => chart.paint());
  bar.paint(episode.segments, episode.steps);
  const there = [...new Set(episode.segments.map((s) => s.source))];
  by("legend").replaceChildren(...there.map((source) => {
    const name = document.createElement("span");
    name.textContent = ` ■ ${source}`;
    name.style.color = COLOURS[source];
    return name;
  }));
  listEpisodes();
  show(same ? Number(by("row").value) : 0);
}

function cameras() {
  if (by("cameras").childElementCount === dataset.cameras.length) return;
  by("cameras").replaceChildren(...dataset.cameras.map((camera) => {
    const figure = document.createElement("figure"), image = document.createElement("img"), caption = document.createElement("figcaption");
    image.id = `camera-${camera}`;
    image.alt = camera;
    caption.textContent = camera;
    caption.className = "soft";
    figure.append(image, caption);
    return figure;
  }));
}

// One request per camera at a time: a fast scrub skips images instead of queueing them.
function frame(camera) {
  const image = by(`camera-${camera}`), row = by("row").value;
  const address = `frame?number=${episode.number}&camera=${encodeURIComponent(camera)}&row=${row}&version=${dataset.version}`;
  if (image.dataset.waiting || image.dataset.address === address) return;
  image.dataset.waiting = "yes";
  image.dataset.address = address;
  image.onload = image.onerror = () => { delete image.dataset.waiting; if (episode) frame(camera); };
  image.src = address;
}

function show(row) {
  by("row").value = row;
  const step = Math.min(row, episode.steps - 1), at = episode.segments.find((s) => step < s.stop);
  const touched = at.intervention ? `, intervention ${at.intervention}` : "";
  text("where", row < episode.steps ? `step ${row} of ${episode.steps}, ${(row / dataset.rate).toFixed(2)} s, ${at.source}${touched}` : "the end");
  charts.forEach((chart) => chart.cursor(row));
  bar.cursor(row);
  dataset.cameras.forEach(frame);
}

function play() {
  const stop = () => { clearInterval(playing); playing = null; text("play", "Play"); };
  if (playing) { stop(); return; }
  if (Number(by("row").value) >= episode.steps) show(0);
  text("play", "Pause");
  playing = setInterval(() => {
    const row = Number(by("row").value);
    if (!episode || row >= episode.steps) stop(); else show(row + 1);
  }, 1000 / dataset.rate);
}

function edit(operation, more = {}) {
  if (!episode && operation !== "undo") return;
  if (!link.send({ edit: operation, number: episode ? episode.number : 0, ...more })) text("said", "not connected: nothing was changed");
}

function neighbour(step) {
  const numbers = shown().map((e) => e.number), next = numbers[numbers.indexOf(wanted) + step];
  if (next !== undefined) open(next);
}

const actions = {
  k: () => { edit("keep"); neighbour(1); }, d: () => edit("delete"), u: () => edit("undo"), " ": play,
  s: () => edit("relabel", { outcome: "success" }), f: () => edit("relabel", { outcome: "failure" }),
  ArrowRight: () => show(Math.min(Number(by("row").value) + 1, episode.steps)), ArrowLeft: () => show(Math.max(Number(by("row").value) - 1, 0)),
  ArrowDown: () => neighbour(1), ArrowUp: () => neighbour(-1),
};
document.addEventListener("keydown", (event) => {
  if (event.target.id === "instruction" || event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
  event.preventDefault();
  if (episode || event.key === "u") actions[event.key]();
});
for (const [id, key] of [["keep", "k"], ["delete", "d"], ["undo", "u"], ["play", " "]]) {
  by(id).addEventListener("click", () => { by(id).blur(); if (episode || key === "u") actions[key](); });
}
for (const button of document.querySelectorAll("button[data-outcome]")) {
  button.addEventListener("click", () => { button.blur(); edit("relabel", { outcome: button.dataset.outcome }); });
}
by("trim-start").addEventListener("click", () => edit("trim", { start: Number(by("row").value), stop: episode.steps }));
by("trim-end").addEventListener("click", () => edit("trim", { start: 0, stop: Number(by("row").value) }));
by("words").addEventListener("submit", (event) => {
  event.preventDefault();
  by("instruction").blur();
  edit("instruction", { instruction: by("instruction").value });
});
by("row").addEventListener("input", () => { if (episode) show(Number(by("row").value)); });
by("filter").addEventListener("change", reload);
window.addEventListener("resize", () => { if (episode) open(episode.number); });
reload();
