/**
 * Alerts for an agent who looks elsewhere: a sound and a notification for each visitor who begins to wait (each only
 * after the agent turned it on by a click), and a summary for screen readers.
 *
 * @module
 */
import { nameOf, pageText } from "./who.js";
import { plainText } from "./shown_text.js";
import { Sound } from "./sound.js";

/** The least time between two announcements to screen readers, in milliseconds. */
const SAY_MS = 1500;

/** The alerts of one tab. */
export class Alerts {
  sound = new Sound();
  isRinging = false;
  /** Whether the agent turned notifications on in this tab. */
  notifies = false;
  /** The text of the live region, which screen readers announce. */
  summary = "";
  #wanted = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The open notifications by short id. @type {Map<string, Notification>} */
  #notices = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /**
   * Makes screen readers announce a text politely; of several texts in short order, only the last one.
   *
   * @param {string} text
   */
  say(text) {
    if (text === this.#wanted) return;
    this.#wanted = text;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.summary = this.#wanted;
      this.onChange();
    }, SAY_MS);
  }

  toggleSound() {
    if (this.sound.isOn) this.sound.turnOff();
    else {
      this.sound.turnOn();
      this.sound.ring(this.isRinging);
    }
    this.onChange();
  }

  /** Whether the browser can show notifications: not on a page loaded by HTTP from another host. */
  get canNotify() {
    return typeof Notification === "function" && isSecureContext;
  }

  async toggleNotices() {
    if (this.notifies) {
      this.notifies = false;
      this.keepNotices(new Set());
    } else this.notifies = await Notification.requestPermission() === "granted";
    this.onChange();
  }

  /** @param {boolean} isRinging */
  ring(isRinging) {
    this.isRinging = isRinging;
    this.sound.ring(isRinging);
  }

  /**
   * @param {import("./api.js").Visitor} visitor
   * @param {() => void} onClick
   */
  notify(visitor, onClick) {
    if (!this.notifies || document.hasFocus()) return;
    try {
      const notice = new Notification(`${plainText(nameOf(visitor))} waits for a call`, {
        body: plainText(pageText(visitor.last_url)),
        // The same tag in each tab, so that a visitor's notifications replace each other.
        tag: `foyer ${visitor.short_id}`,
        silent: this.sound.isOn,
      });
      notice.onclick = () => {
        focus();
        notice.close();
        onClick();
      };
      this.#notices.set(visitor.short_id, notice);
    } catch {
      // On phones `Notification` exists, but its constructor throws.
      this.notifies = false;
    }
  }

  /**
   * Closes the notifications of visitors who no longer wait.
   *
   * @param {Set<string>} waiting their short ids
   */
  keepNotices(waiting) {
    for (const [shortId, notice] of this.#notices) {
      if (waiting.has(shortId)) continue;
      notice.close();
      this.#notices.delete(shortId);
    }
  }

  /** Stops the sound, and closes all notifications. */
  quiet() {
    this.ring(false);
    this.keepNotices(new Set());
  }
}
