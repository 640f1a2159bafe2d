// Copyright 2026 The depth_anything_hf authors.
// SPDX-License-Identifier: Apache-2.0
// What gradio's parts lack for the keyboard and for screen readers; run once when the page is there.
() => {
  const label = block => block?.querySelector('[data-testid="block-label"]')?.innerText.trim() || '';

  // Pictures have no text of their own: that of their label.
  function name(image) {
    const block = image.closest('.block'), all = [...(block?.querySelectorAll('img[data-testid="imageslider-image"]') || [])];
    const number = all.length > 1 ? ` (${all.indexOf(image) + 1} of ${all.length})` : '';
    if (label(block)) image.alt = label(block) + number;
  }

  // The slider of two pictures is one for the mouse alone. Keys move it by the events that a mouse would give.
  function pictureIn(wrap) {
    const image = wrap.querySelector('img'), outer = image.parentElement.getBoundingClientRect();
    const factor = Math.min(outer.width / image.naturalWidth, outer.height / image.naturalHeight);
    const width = factor * image.naturalWidth;
    return {left: outer.left + (outer.width - width) / 2, width, top: outer.top + outer.height / 2};
  }
  const share = handle => {
    const inner = pictureIn(handle.parentElement), wrap = handle.parentElement.getBoundingClientRect();
    const x = parseFloat((handle.style.transform.match(/translateX\(([-\d.]+)px/) || [0, 0])[1]);
    return Math.min(1, Math.max(0, (wrap.left + x - inner.left) / inner.width)) || 0;
  };
  function tell(handle) {
    const percent = Math.round(100 * share(handle));
    handle.setAttribute('aria-valuenow', percent);
    handle.setAttribute('aria-valuetext', `${percent} % of the width is the left picture`);
  }
  function move(handle, to) {
    const inner = pictureIn(handle.parentElement);
    const at = {view: window, bubbles: true, cancelable: true, clientX: inner.left + to * inner.width, clientY: inner.top};
    handle.dispatchEvent(new MouseEvent('mousedown', at));
    window.dispatchEvent(new MouseEvent('mousemove', at));
    window.dispatchEvent(new MouseEvent('mouseup', at));
  }
  function slide(handle) {
    for (const [key, value] of Object.entries({role: 'slider', tabindex: 0, 'aria-valuemin': 0, 'aria-valuemax': 100,
      'aria-orientation': 'horizontal', 'aria-label': label(handle.closest('.block')) || 'Two pictures'}))
      handle.setAttribute(key, value);
    tell(handle);
    new MutationObserver(() => tell(handle)).observe(handle, {attributes: true, attributeFilter: ['style']});
    handle.addEventListener('keydown', event => {
      const now = share(handle), step = event.shiftKey ? 0.1 : 0.01;
      const to = {ArrowLeft: now - step, ArrowDown: now - step, ArrowRight: now + step, ArrowUp: now + step,
        PageDown: now - 0.1, PageUp: now + 0.1, Home: 0, End: 1}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(handle, Math.min(1, Math.max(0, to)));
    });
  }

  // Points in space are turned by dragging and moved by the wheel: keys give the same.
  function turn(canvas) {
    // The viewer makes it the first place of the whole page, above all others.
    const inOrder = () => { if (canvas.getAttribute('tabindex') !== '0') canvas.setAttribute('tabindex', '0'); };
    inOrder();
    new MutationObserver(inOrder).observe(canvas, {attributes: true, attributeFilter: ['tabindex']});
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', 'Surface in space. Arrow keys turn it, plus and minus move nearer and farther.');
    canvas.addEventListener('keydown', event => {
      const step = event.shiftKey ? 60 : 15, outer = canvas.getBoundingClientRect();
      const middle = {clientX: outer.left + outer.width / 2, clientY: outer.top + outer.height / 2};
      const drag = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
      const wheel = {'+': -1, '=': -1, '-': 1, _: 1}[event.key];
      if (!drag && !wheel) return;
      event.preventDefault();
      const common = {view: window, bubbles: true, cancelable: true, ...middle};
      if (wheel) { canvas.dispatchEvent(new WheelEvent('wheel', {...common, deltaY: 100 * wheel})); return; }
      const pointer = {...common, pointerId: 1, pointerType: 'mouse', isPrimary: true, button: 0, buttons: 1};
      const there = {clientX: middle.clientX + drag[0], clientY: middle.clientY + drag[1]};
      canvas.dispatchEvent(new PointerEvent('pointerdown', pointer));
      canvas.dispatchEvent(new PointerEvent('pointermove', {...pointer, ...there, button: -1, movementX: drag[0], movementY: drag[1]}));
      canvas.dispatchEvent(new PointerEvent('pointerup', {...pointer, ...there, buttons: 0}));
    });
  }

  // gradio opens the choices of a drop-down again by the very Tab that leaves it.
  window.addEventListener('keydown', event => {
    if (event.key === 'Tab' && event.target.matches?.('input[role="combobox"]')) event.stopImmediatePropagation();
  }, true);

  const seen = new WeakSet(), once = (selector, work) => document.querySelectorAll(selector).forEach(each => {
    if (!seen.has(each)) { seen.add(each); work(each); }
  });
  function improve() {
    waits = false;
    document.querySelectorAll('.block img:is([alt=""], :not([alt]))').forEach(name);
    document.querySelectorAll('.block > [data-testid="slider"], .block .wrap > [data-testid="slider"]').forEach(handle => {
      // Without a picture it has no place yet.
      if (seen.has(handle) || !handle.parentElement.querySelector('img')?.naturalWidth) return;
      seen.add(handle); slide(handle);
    });
    once('[data-testid="model3d"] canvas', turn);
    // Links of files have their size as text; the name stands in another cell.
    document.querySelectorAll('a[download]').forEach(each => {
      if (each.download && !each.querySelector('button')) each.setAttribute('aria-label', `${each.download}, download`);
    });
    once('div[aria-label="Empty value"]:not([role])', each => each.setAttribute('role', 'img'));
  }
  let waits = false;
  const later = () => { if (!waits) { waits = true; setTimeout(improve, 100); } };
  new MutationObserver(later).observe(document.body, {childList: true, subtree: true});
  // Of pictures that arrive later than their part of the page.
  document.addEventListener('load', later, true);
  later();
}
