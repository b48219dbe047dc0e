// A headset's controller, or a phone moved through space: its pose and buttons with every frame.
const MODES = ["immersive-ar", "immersive-vr"];

export async function xrMode() {
  for (const mode of MODES) {
    if (navigator.xr && await navigator.xr.isSessionSupported(mode).catch(() => false)) return mode;
  }
  return null;
}

const poseOf = ({ position: p, orientation: q }) => [p.x, p.y, p.z, q.x, q.y, q.z, q.w];

// What a controller says; null when it is not tracked.
function controller(frame, source, space) {
  const pose = source.gripSpace && frame.getPose(source.gripSpace, space);
  const down = (i) => source.gamepad?.buttons[i]?.pressed === true;
  const named = [["stick", 3], ["a", 4], ["b", 5]].filter(([, i]) => down(i)).map(([name]) => name);
  return {
    pose: pose && !pose.emulatedPosition ? poseOf(pose.transform) : null,
    squeeze: down(1),
    trigger: source.gamepad?.buttons[0]?.value ?? 0,
    buttons: named,
  };
}

// touch: elements of a phone's page: {hold, grip, overlay}
export async function enterXR(link, touch) {
  const mode = await xrMode();
  if (!mode) throw new Error("this browser offers none");
  const options = { requiredFeatures: ["local-floor"], optionalFeatures: ["dom-overlay"], domOverlay: { root: touch.overlay } };
  const session = await navigator.xr.requestSession(mode, options).catch(
    () => navigator.xr.requestSession(mode, { optionalFeatures: ["local-floor", "dom-overlay"], domOverlay: { root: touch.overlay } }));
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2", { xrCompatible: true }) || canvas.getContext("webgl", { xrCompatible: true });
  session.updateRenderState({ baseLayer: new XRWebGLLayer(session, gl) });
  const space = await session.requestReferenceSpace("local-floor").catch(() => session.requestReferenceSpace("local"));
  const held = { hold: false, grip: false };
  const listening = new AbortController();
  for (const name of ["hold", "grip"]) {
    touch[name].addEventListener("pointerdown", () => { held[name] = true; }, { signal: listening.signal });
    addEventListener("pointerup", () => { held[name] = false; }, { signal: listening.signal });
  }
  touch.overlay.hidden = false;
  session.addEventListener("end", () => {
    listening.abort();
    touch.overlay.hidden = true;
    link.send({ xr: null });
  });
  let last = 0;
  const draw = (time, frame) => {
    session.requestAnimationFrame(draw);
    if (time - last < 20) return; // a headset draws faster than an arm can use
    last = time;
    const hands = [...session.inputSources].filter((one) => one.gripSpace);
    const hand = hands.find((one) => one.handedness === "right") || hands[0];
    if (hand) {
      link.send({ xr: controller(frame, hand, space) });
      return;
    }
    const viewer = frame.getViewerPose(space);
    const buttons = held.grip ? ["grip"] : [];
    link.send({ xr: { pose: viewer ? poseOf(viewer.transform) : null, squeeze: held.hold, buttons } });
  };
  session.requestAnimationFrame(draw);
  return session;
}
