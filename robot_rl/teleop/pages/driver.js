// Keyboard and gamepad of this page, 30 times a second while it drives.
const NAMES = {
  Space: "space", Enter: "enter", NumpadEnter: "enter", Backspace: "backspace", Escape: "escape", Delete: "delete",
  ShiftLeft: "shift", ShiftRight: "shift", ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
};
const nameOf = (code) => NAMES[code] || (code.startsWith("Key") ? code.slice(3).toLowerCase() : null);

export class Driver {
  constructor(link, onChange) {
    Object.assign(this, { link, onChange, driving: false, down: new Set(), timer: 0 });
    addEventListener("keydown", (event) => this.key(event, true));
    addEventListener("keyup", (event) => this.key(event, false));
    addEventListener("blur", () => { this.down.clear(); this.say(); });
  }

  toggle() { if (this.driving) this.stop(); else this.start(); }

  start() {
    this.driving = this.link.send({ drive: true });
    if (this.driving) {
      this.say();
      this.timer = setInterval(() => this.say(), 33);
    }
    this.onChange(this.driving);
  }

  stop() {
    if (!this.driving) return;
    clearInterval(this.timer);
    this.driving = false;
    this.down.clear();
    this.link.send({ drive: false });
    this.onChange(false);
  }

  key(event, pressed) {
    const name = nameOf(event.code);
    if (!this.driving || !name || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (pressed) this.down.add(name); else this.down.delete(name);
    if (!event.repeat) this.say(); // at once: a short press must not fall between two looks
  }

  say() {
    if (!this.driving) return;
    const pad = [...(navigator.getGamepads?.() || [])].find((one) => one && one.mapping === "standard");
    const found = pad ? { axes: pad.axes.slice(0, 4), buttons: pad.buttons.map((one) => one.value) } : null;
    this.link.send({ keys: [...this.down], pad: found });
  }
}
