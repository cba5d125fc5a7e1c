// @ts-check
/** Walking along a path by itself: 0 → 1 → 0 …, one tick a screen frame. */

const THERE = 4000; // milliseconds from end to end
const PAUSE = 350; // at each end

/** Where the walk is after so many milliseconds, from `start` on and towards 1 first. Pure. @param {number} elapsed @param {number} start in [0, 1] */
export function swing(elapsed, start) {
  const leg = THERE + PAUSE;
  const at = (elapsed + start * THERE) % (2 * leg);
  const there = Math.min(at, leg) / THERE;
  return at < leg ? Math.min(there, 1) : Math.max(1 - (at - leg) / THERE, 0);
}

/** The same in `steps` still stops, for those who asked for less motion. Pure. @param {number} elapsed @param {number} start @param {number} steps */
export const stepped = (elapsed, start, steps) => Math.round(swing(elapsed, start) * steps) / steps;

/** @param {{ calm(): boolean, steps: number, tick(t: number): void }} host */
export function player(host) {
  let [request, since, from, last] = [0, 0, 0, -1];
  const step = (now) => {
    since ||= now;
    const t = host.calm() ? stepped(now - since, from, host.steps) : swing(now - since, from);
    if (t !== last) host.tick((last = t));
    request = requestAnimationFrame(step);
  };
  return {
    playing: () => request !== 0,
    /** @param {number} t */
    play(t) {
      cancelAnimationFrame(request);
      [since, from, last] = [0, t, -1];
      request = requestAnimationFrame(step);
    },
    /** Stops, and says where. @returns {number} */
    stop() {
      cancelAnimationFrame(request);
      request = 0;
      return last;
    },
  };
}
