// @ts-check
/** Owns the short sound of something new. Leaves to others when it is heard, and that it can be muted. */

/** Two notes: [Hz, begins after seconds]. */
const CHIME_NOTES = [[660, 0], [880, 0.12]];
const NOTE_SECONDS = 0.25;
const CHIME_VOLUME = 0.08;
/** Fifty that come at once sound once. */
const CHIME_EVERY_MS = 2000;

/** @type {AudioContext | undefined} */
let audio;
let lastChimeAt = -Infinity;

/** Silent until somebody has touched the page: browsers allow it from then on only. @returns {boolean} whether it sounds */
export function chime() {
  if (!navigator.userActivation?.hasBeenActive || Date.now() - lastChimeAt < CHIME_EVERY_MS) return false;
  lastChimeAt = Date.now();
  audio ??= new AudioContext();
  audio.resume();
  for (const [hertz, after] of CHIME_NOTES) {
    const begin = audio.currentTime + after;
    const volume = audio.createGain();
    volume.gain.setValueAtTime(CHIME_VOLUME, begin);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + NOTE_SECONDS);
    const note = audio.createOscillator();
    note.frequency.value = hertz;
    note.connect(volume).connect(audio.destination);
    note.start(begin);
    note.stop(begin + NOTE_SECONDS);
  }
  return true;
}
