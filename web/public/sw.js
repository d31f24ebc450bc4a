// Lets the page open without a network. The build puts the list of its files, `tidings.files`, before this text.
//
// All files of one version are kept together, so a page never meets scripts of another one. A new version takes over when
// the pages of the old one are closed. What people write is none of its business: that is in the page's own store.

const { version, files } = self.tidings;
const CACHE = `tidings ${version}`;
const PAGE = "/";
const known = new Set(files);

// A network that is there but does not answer is no reason to wait any longer.
const PATIENCE_MS = 3000;

self.addEventListener("install", (event) => {
  const requests = files.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !known.has(pathname)) return;
  if (request.mode === "navigate") event.respondWith(newestPage(request));
  else event.respondWith(kept(pathname).then((response) => response ?? fetch(request)));
});

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("tidings ") && name !== CACHE).map((name) => caches.delete(name)));
}

async function newestPage(request) {
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const network = fetch(request).catch(() => undefined);
  const first = await Promise.race([network, patience]);
  if (first?.ok) return first;
  // A server that answers with trouble is of less use than the page that is here.
  return (await kept(PAGE)) ?? (await network) ?? Response.error();
}

async function kept(pathname) {
  const cache = await caches.open(CACHE);
  return cache.match(pathname === "/index.html" ? PAGE : pathname);
}
