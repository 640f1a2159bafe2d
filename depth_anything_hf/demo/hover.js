// Copyright 2026 The depth_anything_hf authors.
// SPDX-License-Identifier: Apache-2.0
// Draws a map and tells its values. `element`, `props`, `trigger` and `watch` are gradio's, of gr.HTML.
let data = null, codes = null, place = null;
const part = name => element.querySelector(name);
const bytes = text => Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
function value(index) {
  if (!codes[index]) return NaN;
  const base = data.low + (codes[index] - 1) / 65534 * (data.high - data.low);
  return data.is_depth ? Math.exp(base) : base;
}
function draw() {
  data = props.value;
  const canvas = part('canvas'), output = part('output');
  if (!canvas) return;
  place = null; part('.cross').style.display = 'none';
  part('.hover-map').classList.toggle('empty', !data || !data.codes);
  if (!data || !data.codes) {
    canvas.width = 1; canvas.height = 1; canvas.setAttribute('aria-label', 'No depth map yet');
    output.textContent = 'Upload a picture: its depth appears here.';
    return;
  }
  const raw = bytes(data.codes), table = bytes(data.colours);
  codes = new Uint16Array(data.width * data.height);
  for (let i = 0; i < codes.length; i++) codes[i] = raw[2 * i] | raw[2 * i + 1] << 8;
  canvas.width = data.width; canvas.height = data.height;
  canvas.setAttribute('aria-label', data.label);
  const context = canvas.getContext('2d'), image = context.createImageData(data.width, data.height);
  const span = data.last_colour - data.first_colour;
  for (let i = 0; i < codes.length; i++) {
    const found = value(i), shown = data.is_depth ? 1 / found : found;
    const off = shown - data.first_colour;
    const share = span > 0 ? off / span : (Math.sign(off) + 1) / 2;
    const colour = 3 * Math.round(255 * Math.min(1, Math.max(0, share)));
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = isNaN(found) ? data.invalid : table[colour + k];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  output.textContent = 'Point at the map to read values, or move the cross with the arrow keys.';
  listen(canvas);
}
function box(canvas) {
  const outer = canvas.getBoundingClientRect();
  const factor = Math.min(outer.width / data.width, outer.height / data.height);
  const width = factor * data.width, height = factor * data.height;
  return {left: outer.left + (outer.width - width) / 2, top: outer.top + (outer.height - height) / 2, width, height};
}
function show(x, y) {
  x = Math.min(data.width - 1, Math.max(0, x)); y = Math.min(data.height - 1, Math.max(0, y));
  place = {x, y};
  const found = value(y * data.width + x), full = fullPlace();
  const words = isNaN(found) ? 'no value' : data.is_depth ? Number(found.toPrecision(4)) + ' m'
    : Number(found.toPrecision(4)) + ' disparity (larger is nearer, no unit)';
  part('output').textContent = `x ${full.x}, y ${full.y}: ${words}`;
  mark();
}
function mark() {
  const canvas = part('canvas'), inner = box(canvas), stage = part('.stage').getBoundingClientRect();
  const cross = part('.cross'), {x, y} = place;
  cross.style.left = inner.left - stage.left + (x + 0.5) / data.width * inner.width + 'px';
  cross.style.top = inner.top - stage.top + (y + 0.5) / data.height * inner.height + 'px';
  cross.style.display = 'block';
}
function fullPlace() {
  return {x: Math.min(data.full_width - 1, Math.floor((place.x + 0.5) * data.full_width / data.width)),
          y: Math.min(data.full_height - 1, Math.floor((place.y + 0.5) * data.full_height / data.height))};
}
function at(event) {
  const inner = box(event.currentTarget);
  show(Math.floor((event.clientX - inner.left) / inner.width * data.width),
       Math.floor((event.clientY - inner.top) / inner.height * data.height));
}
// At once, and not by way of the server, whose answer may come after the distance was typed, or another point taken.
function take() {
  const full = fullPlace();
  for (const name of ['x', 'y']) {
    const field = document.querySelector(`#${name} :is(input, textarea)`);
    // Not there before that part of the page was opened.
    if (!field) { trigger('select', full); return; }
    field.value = full[name];
    field.dispatchEvent(new Event('input', {bubbles: true}));
  }
}
function middle() { return {x: data.width >> 1, y: data.height >> 1}; }
function listen(canvas) {
  canvas.onfocus = () => { if (data && data.codes && !place) show(middle().x, middle().y); };
  canvas.onpointermove = event => { if (data && data.codes) at(event); };
  canvas.onclick = event => { if (data && data.codes) { at(event); take(); } };
  canvas.onkeydown = event => {
    if (!data || !data.codes) return;
    const step = event.shiftKey ? 10 : 1, leap = Math.ceil(data.height / 10);
    const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
      Home: [-data.width, 0], End: [data.width, 0], PageUp: [0, -leap], PageDown: [0, leap]};
    if (!place) place = middle();
    if (moves[event.key]) {
      show(place.x + moves[event.key][0], place.y + moves[event.key][1]);
      event.preventDefault();
    }
    if (event.key === 'Enter' || event.key === ' ') {
      show(place.x, place.y);
      take();
      event.preventDefault();
      // Where a distance is awaited, it is typed next.
      const metres = document.querySelector('#distance :is(input, textarea)');
      if (metres && metres.offsetParent) metres.focus();
    }
  };
}
// The cross stays on its pixel when the window or the zoom changes.
new ResizeObserver(() => { if (data && data.codes && place) mark(); }).observe(element);
watch('value', draw);
draw();
