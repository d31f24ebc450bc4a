// Calls back when an element comes within one screen of the visible part of its scroller.

export function whenNear(element: Element, callback: () => void): () => void {
  const root = element.closest(".scroller");
  const options = { root, rootMargin: "100% 0px" };
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) callback();
  }, options);
  observer.observe(element);
  return () => observer.disconnect();
}
