// Curves and the time bar, drawn once into a picture; only the cursor is drawn again when it moves.
const DASHES = [[], [6, 4], [2, 3]];
export const COLOURS = { policy: "#2563a8", human: "#d97706", idle: "#b8c2cc", reset: "#b8c2cc", pause: "#8b5cf6", safety: "#c0392b" };

function sharp(canvas, height) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth || 300;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return { pen, width };
}

function bounds(lines) {
  let low = Infinity, high = -Infinity;
  for (const { values } of lines) for (const v of values) if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); }
  return low > high ? [0, 1] : low === high ? [low - 0.5, high + 0.5] : [low, high];
}

export class Chart {
  constructor({ title, stride, lines }, steps) {
    Object.assign(this, { stride, lines, steps });
    this.figure = document.createElement("div");
    this.figure.className = "card";
    const name = document.createElement("div");
    name.className = "soft";
    this.name = name;
    this.title = title;
    this.canvas = document.createElement("canvas");
    this.figure.append(name, this.canvas);
  }

  paint() {
    const height = 150, { pen, width } = sharp(this.canvas, height), [low, high] = bounds(this.lines);
    this.name.textContent = `${this.title}   ${low.toPrecision(3)} to ${high.toPrecision(3)}`;
    for (const { colour, dash, values } of this.lines) {
      pen.strokeStyle = `hsl(${(210 + colour * 67) % 360} 60% 42%)`;
      pen.setLineDash(DASHES[dash]);
      pen.globalAlpha = dash ? 0.6 : 1;
      pen.beginPath();
      let up = true;
      values.forEach((v, i) => {
        if (v === null) { up = true; return; }
        const x = (i * this.stride + 0.5) / this.steps * width, y = height - 6 - (v - low) / (high - low) * (height - 12);
        if (up) pen.moveTo(x, y); else pen.lineTo(x, y);
        up = false;
      });
      pen.stroke();
    }
    this.picture = pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  cursor(row) { cursor(this.canvas, this.picture, (row + 0.5) / this.steps); }
}

function cursor(canvas, picture, share) {
  const pen = canvas.getContext("2d");
  pen.putImageData(picture, 0, 0);
  pen.fillStyle = "#1c2733";
  pen.fillRect(Math.min(share, 1) * canvas.width - 1, 0, 2, canvas.height);
}

export class Bar {
  constructor(canvas) { this.canvas = canvas; }

  paint(segments, steps) {
    const { pen, width } = sharp(this.canvas, 22);
    this.steps = steps;
    for (const { start, stop, source, intervention } of segments) {
      pen.fillStyle = COLOURS[source];
      pen.fillRect(start / steps * width, 0, (stop - start) / steps * width, 22);
      if (intervention) {
        pen.fillStyle = "#fff";
        pen.fillText(intervention, start / steps * width + 3, 15);
      }
    }
    this.picture = pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  cursor(row) { cursor(this.canvas, this.picture, (row + 0.5) / this.steps); }
}
