// Stretches a PIN beside the screen: the app's module once more, without a page. All its memory goes with it.
import init from '{{js}}';

self.onmessage = async ({ data: { module, salts, pin } }) => {
  let answer = {};
  try {
    await init({ module_or_path: module });
    const began = performance.now();
    const made = self.stretch(salts, pin);
    if (made) answer = { made, ms: performance.now() - began };
  } catch {
    // Out of memory: said by the empty answer.
  }
  self.postMessage(answer);
};
