// @ts-check
/** Walking along a path by itself, one tick a screen frame: 0 → 1 → 0 …, or 0 → 1, 0 → 1, …. */

const THERE = 4000; // milliseconds from end to end
const PAUSE = 350; // at each end

/**
 * Where the walk is after so many milliseconds, from `start` on and towards 1 first. Pure.
 *
 * @param {number} elapsed @param {number} start in [0, 1] @param {{ back?: boolean, speed?: number }} [how] `back`: swing to and fro; else it begins anew at the end
 */
export function swing(elapsed, start, { back = true, speed = 1 } = {}) {
  const there = THERE / speed;
  const leg = there + PAUSE;
  const at = (elapsed + start * there) % (back ? 2 * leg : leg);
  return at < leg ? Math.min(at / there, 1) : Math.max(1 - (at - leg) / there, 0);
}

/** The same in `steps` still stops, for those who asked for less motion. Pure. @param {number} elapsed @param {number} start @param {number} steps @param {{ back?: boolean, speed?: number }} [how] */
export const stepped = (elapsed, start, steps, how) => Math.round(swing(elapsed, start, how) * steps) / steps;

/** @param {{ calm(): boolean, steps: number, how(): { back: boolean, speed: number }, tick(t: number): void }} host `how` may change while it plays */
export function player(host) {
  let [request, since, from, last] = [0, 0, 0, -1];
  const step = (now) => {
    since ||= now;
    const t = host.calm() ? stepped(now - since, from, host.steps, host.how()) : swing(now - since, from, host.how());
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
