// Opens the table that the address names.
'use strict';

const tabs = [...document.querySelectorAll('[role=tab]')];
for (const tab of tabs) {
  tab.onclick = () => open(tab.getAttribute('aria-controls'));
  tab.onkeydown = event => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.click();
    next.focus();
  };
}
addEventListener('hashchange', readAddress);
// A page that nobody looks at computes nothing.
document.addEventListener('visibilitychange', () => { if (document.hidden) networks.pause(); });
readAddress();
if (networks.list.length === 0) networks.reset();
// The first curve needs no click.
if (table === 'curves' && !still.matches) networks.start(1000);
