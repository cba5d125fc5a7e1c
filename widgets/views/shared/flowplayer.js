// @ts-check
/** Walking by itself, one step a tick: on to where playing ends, or there and back. */

/** The step after `n`, and which way it goes on; null at the end. Pure. @param {number} n @param {1 | -1} sign @param {{ from: number, to: number, back: boolean }} how @returns {{ n: number, sign: 1 | -1 } | null} */
export function nextStep(n, sign, { from, to, back }) {
  const next = n + sign;
  if (next >= from && next <= to) return { n: next, sign };
  const turned = n - sign;
  return back && turned >= from && turned <= to ? { n: turned, sign: /** @type {1 | -1} */ (-sign) } : null;
}

/** @param {{ how(): { from: number, to: number, back: boolean, speed: number }, tick(n: number): void, ended(): void }} host `speed` in steps a second */
export function stepper(host) {
  let timer = 0;
  let now = 0;
  let sign = /** @type {1 | -1} */ (1);
  const later = () => (timer = /** @type {any} */ (setTimeout(step, 1000 / host.how().speed)));
  function step() {
    const next = nextStep(now, sign, host.how());
    if (!next) return (timer = 0), host.ended();
    ({ n: now, sign } = next);
    host.tick(now);
    if (timer) later();
  }
  return {
    playing: () => timer !== 0,
    /** Goes on from a step. @param {number} n */
    play(n) {
      clearTimeout(timer);
      [now, sign] = [n, 1];
      later();
    },
    stop() {
      clearTimeout(timer);
      timer = 0;
    },
  };
}
