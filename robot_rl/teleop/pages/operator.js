// The operator's page: what is going on, and what she says about it.
import { Link, showImage } from "./link.js";
import { Driver } from "./driver.js";
import { by, showConnection, text } from "./page.js";
import { enterXR, xrMode } from "./xr.js";

let newest = {};

const link = new Link({
  onState: show,
  onImage: (name, blob) => showImage(camera(name), blob),
  onChange: (connected) => {
    showConnection(connected);
    if (!connected) driver.stop();
  },
});
const driver = new Driver(link, (driving) => {
  by("drive").textContent = driving ? "Stop driving" : "Drive from this page";
});

function camera(name) {
  const id = `camera-${name}`;
  if (!by(id)) {
    const figure = document.createElement("figure"), image = document.createElement("img"), caption = document.createElement("figcaption");
    image.id = id;
    caption.textContent = name;
    caption.className = "soft";
    figure.append(image, caption);
    by("cameras").append(figure);
  }
  return by(id);
}

function rows(id, pairs) {
  by(id).replaceChildren(...pairs.map(([name, value]) => {
    const row = document.createElement("tr"), left = document.createElement("th"), right = document.createElement("td");
    left.textContent = name;
    right.textContent = value;
    row.append(left, right);
    return row;
  }));
}

function show(state) {
  newest = state;
  if (!state.phase) return;
  text("task", state.task);
  text("instruction", state.instruction);
  text("phase", state.words);
  by("phase").className = state.phase;
  text("hint", state.hint);
  by("progress").value = state.wanted ? state.good / state.wanted : 0;
  text("counts", `${state.good} of ${state.wanted} good, ${state.failures} failures kept, ${state.discarded} discarded`);
  const full = state.tank_full || 1;
  by("tank").value = Math.max(0, Math.min(1, state.tank / full));
  text("joules", `${state.tank.toFixed(2)} J`);
  rows("figures", Object.entries(state.figures));
  rows("bindings", Object.entries(state.bindings));
  for (const button of document.querySelectorAll("#episode button")) button.disabled = !state.allowed.includes(button.dataset.event);
  text("driver", state.driven ? "a page drives the arm" : "no page drives the arm");
}

for (const button of document.querySelectorAll("button[data-event]")) {
  button.addEventListener("click", () => { link.send({ event: button.dataset.event }); button.blur(); });
}
by("drive").addEventListener("click", () => {
  driver.toggle();
  // Driving is what a lost device waits for; whoever paused the arm herself says so herself.
  if (driver.driving && newest.phase === "safety") link.send({ event: "resume" });
  by("drive").blur();
});
xrMode().then((mode) => {
  by("enter-xr").disabled = !mode;
  if (!mode) by("enter-xr").title = "no WebXR here: a headset or phone needs this page over HTTPS";
});
by("enter-xr").addEventListener("click", async () => {
  if (!driver.driving) driver.toggle();
  const touch = { hold: by("hold"), grip: by("grip"), overlay: by("overlay") };
  try {
    await enterXR(link, touch);
  } catch (error) {
    text("driver", `no VR / AR: ${error.message}`);
  }
});
