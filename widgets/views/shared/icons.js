// @ts-check
/** Small line icons, drawn for this project on a 20 x 20 grid; their colour is that of the text around them. */

const SHAPES = {
  undo: '<path d="M7 4 3.5 7.5 7 11"/><path d="M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8"/>',
  redo: '<path d="m13 4 3.5 3.5L13 11"/><path d="M16 7.5H8.5a4.5 4.5 0 0 0 0 9H12"/>',
  sun: '<circle cx="10" cy="10" r="3.4"/><path d="M10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3"/>',
  moon: '<path d="M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z"/>',
  help: '<path d="M7.2 7.4a2.9 2.9 0 1 1 4.4 2.5c-1 .6-1.6 1.1-1.6 2.3"/><path d="M10 15.4v.1"/>',
  down: '<path d="m5.5 8 4.5 4.5L14.5 8"/>',
  close: '<path d="m5 5 10 10M15 5 5 15"/>',
  check: '<path d="m4.5 10.5 3.7 3.7 7.3-8"/>',
  compare: '<rect x="3" y="4" width="14" height="12" rx="1.5"/><path d="M10 2v16"/><path d="M10 5h5.5v10H10z" fill="currentColor" stroke="none" opacity=".45"/>',
  save: '<path d="M10 3v9M6.5 8.8 10 12.3l3.5-3.5"/><path d="M3.5 13.5v2A1.5 1.5 0 0 0 5 17h10a1.5 1.5 0 0 0 1.5-1.5v-2"/>',
  locked: '<rect x="4.5" y="9" width="11" height="8" rx="1.5" fill="currentColor"/><path d="M7 9V6.5a3 3 0 0 1 6 0V9"/>',
  unlocked: '<rect x="4.5" y="9" width="11" height="8" rx="1.5"/><path d="M7 9V6.5a3 3 0 0 1 5.8-1"/>',
  reset: '<path d="M4 4v4h4"/><path d="M4.4 8A6.2 6.2 0 1 1 4 11.5"/>',
  dice: '<rect x="3.5" y="3.5" width="13" height="13" rx="2.5"/><g fill="currentColor" stroke="none"><circle cx="7.2" cy="7.2" r="1.2"/><circle cx="12.8" cy="7.2" r="1.2"/><circle cx="10" cy="10" r="1.2"/><circle cx="7.2" cy="12.8" r="1.2"/><circle cx="12.8" cy="12.8" r="1.2"/></g>',
  left: '<path d="m12 5-5 5 5 5"/>',
  right: '<path d="m8 5 5 5-5 5"/>',
  play: '<path d="M6.5 4.2v11.6L16 10 6.5 4.2Z" fill="currentColor"/>',
  pause: '<path d="M7 4.5v11M13 4.5v11" stroke-width="2.6"/>',
  copy: '<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M13 7V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v6.5A1.5 1.5 0 0 0 5 13h2"/>',
  plus: '<path d="M10 4v12M4 10h12"/>',
  sort: '<path d="M4 6h12M4 10h8M4 14h4.5"/>',
  star: '<path d="m10 3 2.2 4.5 4.9.7-3.6 3.4.9 4.9L10 14.2l-4.4 2.3.9-4.9L2.9 8.2l4.9-.7L10 3Z"/>',
  share: '<circle cx="5" cy="10" r="2"/><circle cx="14.5" cy="4.8" r="2"/><circle cx="14.5" cy="15.2" r="2"/><path d="m6.8 9 6-3.3M6.8 11l6 3.3"/>',
  link: '<path d="M8.5 11.5a3 3 0 0 0 4.3 0l2.7-2.7a3 3 0 0 0-4.3-4.3L10 5.7"/><path d="M11.5 8.5a3 3 0 0 0-4.3 0l-2.7 2.7a3 3 0 0 0 4.3 4.3L10 14.3"/>',
  code: '<path d="m7 6-4 4 4 4M13 6l4 4-4 4M11.3 4 8.7 16"/>',
  trash: '<path d="M4 5.5h12M8 5.5V4h4v1.5M5.5 5.5l.8 11h7.4l.8-11M8.5 8.5v5M11.5 8.5v5"/>',
  open: '<path d="M3 15.5v-11h4.5l1.5 2h8v2"/><path d="m3 15.5 2.3-7H19l-2.5 7Z"/>',
  refresh: '<path d="M16 4v4h-4"/><path d="M15.6 8A6.2 6.2 0 1 0 16 11.5"/>',
};

/** @param {keyof typeof SHAPES} name @returns {SVGSVGElement} */
export function icon(name) {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="le-icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${SHAPES[name]}</svg>`;
  return /** @type {any} */ (holder.content.firstChild);
}
