// Plays the film strip and moves the cursor of the charts along with it.
for (const film of document.querySelectorAll(".film")) {
  const about = JSON.parse(film.dataset.film);
  const [screen, slider] = [film.querySelector(".screen"), film.querySelector("input")];
  const [button, clock] = [film.querySelector("button"), film.querySelector("output")];
  const charts = [...document.querySelectorAll("svg[data-x0]")];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let playing = !still, started = performance.now(), held = 0;
  const show = (frame) => {
    screen.style.backgroundPositionX = `${-frame * about.width}px`;
    slider.value = frame;
    clock.textContent = `${about.times[frame].toFixed(1)} s`;
    for (const chart of charts) {
      const [x0, x1] = [Number(chart.dataset.x0), Number(chart.dataset.x1)];
      const x = x0 + (about.times[frame] / about.end) * (x1 - x0);
      chart.querySelector(".cursor").setAttribute("transform", `translate(${x} 0)`);
    }
  };
  const at = (seconds) => {
    const later = about.times.findIndex((time) => time > seconds);
    return later < 0 ? about.frames - 1 : Math.max(0, later - 1);
  };
  const tick = (now) => {
    if (playing) {
      const seconds = (now - started) / 1000;
      if (seconds > about.end + 1.2) started = now;
      show(at(Math.min(seconds, about.end)));
    }
    requestAnimationFrame(tick);
  };
  const play = (yes) => {
    playing = yes;
    button.textContent = yes ? "pause" : "play";
    if (yes) started = performance.now() - 1000 * (held >= about.end ? 0 : held);
    else held = about.times[Number(slider.value)];
  };
  slider.addEventListener("input", () => { play(false); show(Number(slider.value)); held = about.times[Number(slider.value)]; });
  button.addEventListener("click", () => play(!playing));
  film.closest("section").classList.add("playing");
  play(playing);
  show(0);
  requestAnimationFrame(tick);
}
