/**
 * Alerts for an agent who looks elsewhere: a sound and a notification for each who begins to wait, both only after a
 * click of the agent's, and one summary for screen readers.
 *
 * @module
 */
import { nameOf, pageText } from "./who.js";
import { plainText } from "./shown_text.js";
import { Sound } from "./sound.js";

/** A summary that changes is said at most so often, in milliseconds. */
const SAY_MS = 1500;

/** Alerts of one tab. */
export class Alerts {
  sound = new Sound();
  isRinging = false;
  /** Whether notifications are wanted in this tab. */
  notifies = false;
  /** What a screen reader says. */
  summary = "";
  #wanted = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** By short id. @type {Map<string, Notification>} */
  #notices = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /**
   * Has a screen reader say something, politely, and the last of several things that come at once.
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

  /** Whether the browser can notify; not where the page came by HTTP from another host. */
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
        // Tabs that notify of the same visitor replace each other's.
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
      // On phones `Notification` exists, and its constructor throws.
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

  /** Ends all sounds and notifications. */
  quiet() {
    this.ring(false);
    this.keepNotices(new Set());
  }
}
