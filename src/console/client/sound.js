/**
 * The bell's sound. It is synthesised, since the content security policy forbids media files.
 *
 * @module
 */

/** The time between two sounds while the bell rings, in milliseconds. */
const PERIOD_MS = 3000;

/** The two tones: start in seconds, and frequency in hertz. */
const TONES = [[0, 659.25], [0.18, 880]];

/** Plays the bell's sound, once an agent has turned it on. */
export class Sound {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  get isOn() {
    return this.#context !== null;
  }

  /** Turns the sound on and plays it once. Must be called during a click, since browsers allow sound only then. */
  turnOn() {
    this.#context = new AudioContext();
    this.#strike();
  }

  turnOff() {
    this.ring(false);
    this.#context?.close();
    this.#context = null;
  }

  /**
   * Starts or stops ringing.
   *
   * @param {boolean} isRinging
   */
  ring(isRinging) {
    if (!isRinging || this.#context === null) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined) {
      this.#strike();
      this.#timer = setInterval(() => this.#strike(), PERIOD_MS);
    }
  }

  #strike() {
    const context = this.#context;
    if (context === null) return;
    context.resume();
    for (const [after, pitch] of TONES) {
      const start = context.currentTime + after;
      const tone = new OscillatorNode(context, { type: "sine", frequency: pitch });
      const volume = new GainNode(context, { gain: 0 });
      volume.gain.linearRampToValueAtTime(0.25, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.6);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.7);
    }
  }
}
