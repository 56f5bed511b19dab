// The page's tokens as plain values, for those who draw on a canvas: "--text", or "--bar 20%" with its opacity.
export function token(name) {
  const [, variable, share] = name.match(/^(--[a-z-]+)(?: (\d+)%)?$/) || [];
  const value = variable ? getComputedStyle(document.documentElement).getPropertyValue(variable).trim() : name;
  if (!share || !/^#[0-9a-f]{6}$/i.test(value)) return value;
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(value.slice(i, i + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${Number(share) / 100})`;
}

// The same tree with every token in it replaced by its value.
export function dressed(tree) {
  if (typeof tree === "string") return tree.startsWith("--") ? token(tree) : tree;
  if (Array.isArray(tree)) return tree.length > 40 && typeof tree[0] !== "string" ? tree : tree.map(dressed);
  if (tree && typeof tree === "object") return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, dressed(v)]));
  return tree;
}
