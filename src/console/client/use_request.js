/**
 * The state of a component's requests: whether one is being sent, and why the last one failed.
 *
 * @module
 */
import { useState } from "../vendor/hooks.js";

/**
 * A hook for a component whose controls send requests.
 *
 * @param {() => void} onDone called after a request succeeded
 * @param {(failure: import("./api.js").ApiFailure) => boolean} [handles] whether the component itself reacts to a
 * failure, so that it is not shown as a problem
 * @returns {{ isBusy: boolean, problem: string, run: (request: () => Promise<void>) => Promise<void> }} `problem` is a
 * sentence for the agent, empty if the last request did not fail; `run` sends a request and never throws
 */
export function useRequest(onDone, handles = () => false) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  /** @param {() => Promise<void>} request */
  const run = async (request) => {
    setBusy(true);
    setProblem("");
    try {
      await request();
      onDone();
    } catch (error) {
      const failure = /** @type {import("./api.js").ApiFailure} */ (error);
      if (!handles(failure)) setProblem(failure.message);
    }
    setBusy(false);
  };
  return { isBusy, problem, run };
}
