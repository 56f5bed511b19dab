// The server's time, as the page was told it; ages are measured against it, never against a wrong local clock.
const told = Date.parse(document.body.dataset.now || "");
const offset = Number.isFinite(told) ? told - Date.now() : 0;
const own = Math.abs(offset) < 2000; // a difference that small is only the way here

export const now = () => Date.now() + (own ? 0 : offset);

export function clock(at) {
  return new Date(at).toISOString().slice(11, 19);
}

// One unit up to 2 min, then two; from 10 min on seconds don't matter. The same as the server writes it.
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole}\u00a0s`;
  const minutes = Math.floor(whole / 60), rest = whole % 60;
  if (minutes < 10 && rest) return `${minutes}\u00a0min ${rest}\u00a0s`;
  if (minutes < 60) return `${minutes}\u00a0min`;
  const hours = Math.floor(minutes / 60), left = minutes % 60;
  if (hours < 48) return left ? `${hours}\u00a0h ${left}\u00a0min` : `${hours}\u00a0h`;
  const days = Math.floor(hours / 24), h = hours % 24;
  return h ? `${days}\u00a0d ${h}\u00a0h` : `${days}\u00a0d`;
}
