// Dark, light or the system's: kept in a cookie so that the server draws the next page right at once.
export function armTheme() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-set-theme]");
    if (!button) return;
    document.documentElement.dataset.theme = button.dataset.setTheme;
    document.cookie = `theme=${button.dataset.setTheme}; path=/; max-age=31536000; samesite=lax`;
  });
}
