// @ts-check
/** Line icons of the map and the strip, on the same 20 x 20 grid as icons.js. */

const SHAPES = {
  explore: '<circle cx="10" cy="10" r="4.6"/><path d="M10 2v3.4M10 14.6V18M2 10h3.4M14.6 10H18"/>',
  lasso: '<path d="M6.6 14.2C4 13.2 2.6 11.3 2.6 9c0-3.3 3.3-5.8 7.4-5.8s7.4 2.5 7.4 5.8-3.3 5.8-7.4 5.8" stroke-dasharray="2.6 2"/><circle cx="8" cy="14.4" r="1.7"/><path d="M8.4 16c.3 1.2-.5 2-1.6 2"/>',
  path: '<path d="M3.2 15.5c2.6-6.5 4.3 2.6 7 .6 2.9-2.1-1.6-6.6 1.3-9.3"/><path d="m11.2 7.3 4.3-4.6 1.9 1.8-4.4 4.6-2.4.5z"/><circle cx="3.2" cy="15.8" r="1.4" fill="currentColor" stroke="none"/>',
  pan: '<path d="M10 2.5v15M2.5 10h15M7.8 4.7 10 2.5l2.2 2.2M7.8 15.3l2.2 2.2 2.2-2.2M4.7 7.8 2.5 10l2.2 2.2M15.3 7.8l2.2 2.2-2.2 2.2"/>',
  plus: '<path d="M10 4.5v11M4.5 10h11"/>',
  minus: '<path d="M4.5 10h11"/>',
  fit: '<path d="M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4"/>',
  swap: '<path d="M4 7h11.5M12.5 4l3 3-3 3M16 13H4.5M7.5 10l-3 3 3 3"/>',
};

/** @param {keyof typeof SHAPES} name @returns {SVGSVGElement} */
export function mapIcon(name) {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="le-icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${SHAPES[name]}</svg>`;
  return /** @type {any} */ (holder.content.firstChild);
}
