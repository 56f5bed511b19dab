// What scripts say, in the reader's language: the page brings the words along.
const words = JSON.parse(document.getElementById("words")?.textContent || "{}");

export function say(key, places = {}) {
  return (words[key] ?? key).replace(/%\((\w+)\)s/g, (_, name) => places[name] ?? "");
}
