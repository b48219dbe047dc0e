// The hardest frames of a reward classifier, and a person's word on each of them.
import { ask, by, editingLink, text } from "./page.js";

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
let about = null;

const link = editingLink(reload);

function pen(canvas) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth || 300, height = 200;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const found = canvas.getContext("2d");
  found.scale(scale, scale);
  return [found, width, height];
}

function drawRoc({ roc, auc }) {
  const [draw, width, height] = pen(by("roc"));
  text("auc", auc === null ? "ROC: no held-out frames of both kinds" : `ROC on held-out episodes, area ${auc.toFixed(4)}; false alarms 0 to 20 %`);
  draw.strokeStyle = style("--line");
  draw.strokeRect(0.5, 0.5, width - 1, height - 1);
  draw.strokeStyle = style("--main");
  draw.lineWidth = 2;
  draw.beginPath();
  roc.forEach(([fpr, tpr], i) => { // the left fifth is where a reward lives
    const x = Math.min(fpr / 0.2, 1) * width, y = (1 - tpr) * (height - 4) + 2;
    if (i) draw.lineTo(x, y); else draw.moveTo(x, y);
  });
  draw.stroke();
}

function drawScores({ bins, threshold }) {
  const [draw, width, height] = pen(by("scores"));
  if (!bins.length) return;
  const low = bins[0][0], step = bins[1][0] - low, high = low + step * bins.length;
  const top = Math.max(...bins.map(([, no, yes]) => Math.max(no, yes)));
  const tall = (share) => Math.sqrt(share / top) * (height - 4); // a root: rare scores are the ones that matter
  bins.forEach(([, no, yes], i) => {
    const x = i / bins.length * width, wide = width / bins.length;
    draw.fillStyle = style("--bad");
    draw.fillRect(x, height - tall(no), wide / 2, tall(no));
    draw.fillStyle = style("--good");
    draw.fillRect(x + wide / 2, height - tall(yes), wide / 2, tall(yes));
  });
  draw.fillStyle = style("--ink");
  draw.fillRect((threshold - low) / (high - low) * width - 1, 0, 2, height);
}

function card(frame) {
  const { number, row, label, probability, wrong, held_out, ahead } = frame;
  const article = document.createElement("article"), pictures = document.createElement("div");
  article.className = wrong ? "card wrong" : "card";
  article.dataset.frame = `${number}:${row}`;
  pictures.className = "pictures";
  pictures.append(...about.cameras.map((camera) => {
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = image.title = camera;
    image.src = `frame?number=${number}&camera=${encodeURIComponent(camera)}&row=${row}`;
    return image;
  }));
  const words = document.createElement("p"), facts = document.createElement("p"), button = document.createElement("button");
  words.textContent = `labelled ${label ? "success" : "no success"}, said ${(100 * probability).toFixed(2)} %`;
  words.className = wrong ? "bad" : "";
  const soon = !label && ahead < 1000 ? `, ${ahead} before success` : "";
  facts.textContent = `episode ${number}, observation ${row}${soon}, ${held_out ? "held out" : "learnt from"}`;
  facts.className = "soft";
  button.textContent = label ? "It is no success" : "It is success";
  button.disabled = row === 0;
  button.addEventListener("click", () => link.send({ judge: "frame", number, row, success: !label }));
  article.append(pictures, words, facts, button);
  return article;
}

async function reload() {
  const found = await ask("about");
  if (!found) return;
  about = found;
  text("root", about.root);
  text("summary", `${about.wrong} of ${about.frames} frames on the wrong side, ${about.wrong_held_out} of ${about.held_out} held out, version ${about.version}`);
  by("undo").disabled = !about.undoable;
  by("undo").title = about.undoable;
  drawRoc(about.charts);
  drawScores(about.charts);
  const frames = await ask(`hardest?kind=${by("kind").value}&held_out=${by("held").checked ? 1 : 0}`);
  if (frames) by("frames").replaceChildren(...frames.map(card));
}

by("kind").addEventListener("change", reload);
by("held").addEventListener("change", reload);
by("undo").addEventListener("click", () => link.send({ judge: "undo" }));
reload();
