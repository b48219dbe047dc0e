// The websocket to the server: state and images in, events out, and it comes back by itself.
export class Link {
  // onState(object), onImage(name, Blob), onChange(connected)
  constructor({ onState = () => {}, onImage = () => {}, onChange = () => {} }) {
    Object.assign(this, { onState, onImage, onChange, socket: null });
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/link`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.onChange(true);
    this.socket.onclose = () => { this.onChange(false); setTimeout(() => this.open(), 500); };
    this.socket.onmessage = ({ data }) => {
      if (typeof data === "string") { this.onState(JSON.parse(data)); return; }
      const bytes = new Uint8Array(data), length = bytes[0];
      const name = new TextDecoder().decode(bytes.subarray(1, 1 + length));
      this.onImage(name, new Blob([bytes.subarray(1 + length)], { type: "image/jpeg" }));
    };
  }

  // False when nobody listens, or when the network is behind: old events are worth nothing.
  send(event) {
    if (this.socket.readyState !== WebSocket.OPEN || this.socket.bufferedAmount > 65536) return false;
    this.socket.send(JSON.stringify(event));
    return true;
  }
}

// Show a blob in an <img> without leaking the one before.
export function showImage(element, blob) {
  const address = URL.createObjectURL(blob);
  element.onload = () => URL.revokeObjectURL(address);
  element.src = address;
}
