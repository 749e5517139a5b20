// Overview: the live part is fetched again every two seconds, finished and escaped by the server.
// Hovering, keyboard focus inside and a hidden tab pause it; without scripts the page reloads itself.
const part = document.querySelector('[data-live]');
let over = false, busy = false;
part.addEventListener('pointerenter', () => { over = true; });
part.addEventListener('pointerleave', () => { over = false; });
const still = () => over || document.hidden || part.contains(document.activeElement);

async function refresh() {
  if (busy || still()) return;
  busy = true;
  try {
    const answer = await fetch(part.dataset.live, { redirect: 'manual' });
    if (answer.status === 401) location.reload();
    if (!answer.ok) return;
    const html = await answer.text();
    if (still()) return;
    const open = [...part.querySelectorAll('details[open]')].map((d) => d.id);
    part.innerHTML = html;
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  } catch { /* the server is away for a moment: the next round tries again */ } finally { busy = false; }
}
setInterval(refresh, 2000);
