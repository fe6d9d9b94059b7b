// Loads the wasm module and starts the app. Kept apart from boot.js, because old browsers cannot even read an import.
import init from '{{js}}';

init({ module_or_path: '{{wasm}}' }).catch((error) => {
  console.error(error);
  window.dispatchEvent(new Event('zoufang:failed'));
});
