// Calls back when something comes within one screen of what is visible in its scroller.

export function whenNear(element: Element, callback: () => void): () => void {
  const root = element.closest(".scroller");
  const options = { root, rootMargin: "100% 0px" };
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) callback();
  }, options);
  observer.observe(element);
  return () => observer.disconnect();
}
