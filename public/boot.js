// First code to run: checks what the browser can do, says plainly what is missing, then loads the app.
// Written for old browsers on purpose: nothing here may be newer than ES5, or they would show nothing at all.
(function () {
  'use strict';

  var script = document.currentScript;
  var theme = null;
  try {
    theme = localStorage.getItem('zoufang.theme');
    var text = localStorage.getItem('zoufang.text');
    if (theme === 'light' || theme === 'dark') document.documentElement.setAttribute('data-theme', theme);
    if (text === 'large' || text === 'largest') document.documentElement.setAttribute('data-text', text);
  } catch (error) {
    // Storage refused: the check below says so.
  }

  function missing() {
    var found = [];
    if (!window.isSecureContext) found.push(['安全连接（网址应以 https:// 开头）', 'a secure connection (the address should begin with https://)']);
    if (!window.WebAssembly || !('noModule' in document.createElement('script'))) found.push(['WebAssembly 与模块脚本', 'WebAssembly and module scripts']);
    var idb = null;
    try {
      idb = window.indexedDB;
    } catch (error) {
      idb = null;
    }
    if (!idb) found.push(['本机存储（IndexedDB）', 'storage on this device (IndexedDB)']);
    if (!window.crypto || !window.crypto.getRandomValues || (window.isSecureContext && !window.crypto.subtle)) found.push(['加密功能（WebCrypto）', 'cryptography (WebCrypto)']);
    if (window.isSecureContext && !('serviceWorker' in navigator)) found.push(['离线功能（Service Worker；无痕模式下也会缺少）', 'offline use (service worker; also missing in private windows)']);
    if (!window.CSSLayerBlockRule) found.push(['较新的页面样式（需要 2022 年以后的浏览器）', 'newer page styles (a browser of 2022 or later)']);
    return found;
  }

  function line(place, text, lang) {
    var item = document.createElement('p');
    item.className = 'start__missing';
    if (lang) item.lang = lang;
    item.appendChild(document.createTextNode(text));
    place.appendChild(item);
  }

  function list(place, found, index) {
    var items = document.createElement('ul');
    for (var i = 0; i < found.length; i += 1) {
      var item = document.createElement('li');
      item.appendChild(document.createTextNode(found[i][index]));
      items.appendChild(item);
    }
    place.appendChild(items);
  }

  function say(found) {
    var place = document.querySelector('[data-start-page]');
    var text = document.querySelector('[data-start-text]');
    if (text) text.parentNode.removeChild(text);
    var inWeChat = /MicroMessenger/i.test(navigator.userAgent);
    line(place, '这个浏览器缺少“走访”需要的功能：');
    list(place, found, 0);
    line(place, inWeChat ? '请点右上角“…”，选择“在浏览器打开”。' : '请更新浏览器，或换用新版的 Chrome、Edge、华为浏览器。已记录的内容不受影响。');
    line(place, 'This browser lacks something that Zoufang needs:', 'en');
    list(place, found, 1);
    line(place, 'Please update it or use another one. What was recorded before is not touched.', 'en');
  }

  function failed() {
    say([['程序文件没有下载完整，请检查网络后重新打开', 'the program was not loaded completely; check the network and open it again']]);
  }

  // Which scripts may be loaded, for browsers that know Trusted Types: these, and no text becomes elements or a script at all. A page
  // has one such policy only, so whatever comes later gets no other.
  var scripts = [script.getAttribute('data-start'), script.getAttribute('data-stretch'), '/sw.js'];
  if (window.trustedTypes && window.trustedTypes.createPolicy) {
    window.trustedTypes.createPolicy('default', {
      createScriptURL: function (url) {
        return scripts.indexOf(url) < 0 ? null : url;
      }
    });
  }

  var found = missing();
  if (found.length) {
    say(found);
    return;
  }
  var start = document.createElement('script');
  start.type = 'module';
  start.src = script.getAttribute('data-start');
  start.onerror = failed;
  window.addEventListener('zoufang:failed', failed);
  document.head.appendChild(start);
})();
